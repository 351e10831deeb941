import { plainId } from '../shared/formats/plain-text.ts'
import type {
  DefinitionList,
  DefinitionView,
  NewRequest,
  Plan,
  RequestList,
  RequestSummary,
  RequestView,
} from './contracts.ts'
import { eachItem } from './each-item.ts'
import { RequestWaitTimeout } from './errors.ts'
import type { CallOptions, ChangeOptions } from './job-request.ts'
import { type Call, sendRequest, type Transport } from './request.ts'
import { durationOption, pause } from './timing.ts'
import { WAIT_DEFAULT_MS, type WaitOptions } from './wait-job.ts'

export interface SignalOptions extends ChangeOptions {
  /** Merged into the request's extras. */
  extras?: Record<string, unknown> | undefined
}

export interface ListRequestsOptions extends CallOptions {
  status?: RequestView['status'][] | undefined
  /** Requests per page, 1 to 200; 50 by default. */
  limit?: number | undefined
  cursor?: string | undefined
  /** Gets each page as it comes, which says how old it is: `as_of`, `lag_ms`. */
  onPage?: ((page: RequestList) => void) | undefined
}

const FIRST_POLL_MS = 50
const LONGEST_POLL_MS = 1_000

export const createRequest = (
  transport: Transport,
  body: NewRequest,
  { idempotencyKey, signal }: ChangeOptions,
): Promise<RequestView> =>
  sendRequest(transport, { method: 'POST', path: '/v1/requests', body, idempotencyKey, signal })

export const getRequest = (transport: Transport, requestId: string, { signal }: CallOptions): Promise<RequestView> =>
  sendRequest(transport, { method: 'GET', path: pathOf(requestId), signal })

/** @throws RequestWaitTimeout */
export async function waitRequest(transport: Transport, requestId: string, options: WaitOptions): Promise<RequestView> {
  const waitMs = durationOption('waitMs', options.waitMs, WAIT_DEFAULT_MS)
  const endMs = performance.now() + waitMs
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_POLL_MS)) {
    const request = await getRequest(transport, requestId, options)
    if (request.finished_at !== null) return request
    const leftMs = endMs - performance.now()
    if (leftMs <= 0) throw new RequestWaitTimeout(request, waitMs)
    await pause(Math.min(pauseMs, leftMs), options.signal)
  }
}

/** Continues a failed or cancelled request. The key tells the server a repeat from another retry. */
export const retryRequest = (
  transport: Transport,
  requestId: string,
  { idempotencyKey, signal }: ChangeOptions,
): Promise<RequestView> =>
  sendRequest(transport, { method: 'POST', path: `${pathOf(requestId)}/retry`, idempotencyKey, signal })

export const signalRequest = (
  transport: Transport,
  requestId: string,
  name: string,
  { extras, idempotencyKey, signal }: SignalOptions,
): Promise<RequestView> => {
  const path = `${pathOf(requestId)}/signals/${encodeURIComponent(name)}`
  return sendRequest(transport, { method: 'POST', path, body: { extras }, idempotencyKey, signal })
}

export function listRequests(
  transport: Transport,
  { status, limit, cursor: first, signal, onPage }: ListRequestsOptions,
): AsyncGenerator<RequestSummary, void, undefined> {
  const query = { status: status?.join(','), limit: limit?.toString() }
  return eachItem(async (cursor) => {
    const call: Call = { method: 'GET', path: '/v1/requests', query: { ...query, cursor }, signal }
    const page = await sendRequest<RequestList>(transport, call)
    onPage?.(page)
    return page
  }, first)
}

export const putDefinition = (
  transport: Transport,
  name: string,
  steps: Plan,
  { signal }: CallOptions,
): Promise<DefinitionView> =>
  sendRequest(transport, { method: 'PUT', path: definitionPath(name), body: { steps }, signal })

export const getDefinition = (
  transport: Transport,
  name: string,
  { version, signal }: CallOptions & { version?: number | undefined },
): Promise<DefinitionView> =>
  sendRequest(transport, { method: 'GET', path: definitionPath(name), query: { version: version?.toString() }, signal })

export const listDefinitions = async (
  transport: Transport,
  { signal }: CallOptions,
): Promise<DefinitionList['items']> =>
  (await sendRequest<DefinitionList>(transport, { method: 'GET', path: '/v1/definitions', signal })).items

const pathOf = (requestId: string): string => `/v1/requests/${encodeURIComponent(plainId(requestId))}`
const definitionPath = (name: string): string => `/v1/definitions/${encodeURIComponent(name)}`
