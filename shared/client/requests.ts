import type {
  DefinitionList,
  DefinitionView,
  NewRequest,
  Plan,
  RequestList,
  RequestSummary,
  RequestView,
} from './contracts.ts'
import { HastyError, RequestWaitTimeout } from './errors.ts'
import type { CallOptions, ChangeOptions } from './job-request.ts'
import { type Call, sendRequest, type Transport } from './request.ts'
import { pause } from './timing.ts'
import { WAIT_DEFAULT_MS, type WaitOptions } from './wait-job.ts'

export interface CancelRequestOptions extends ChangeOptions {
  /** Why, for people: shown as the request's error. */
  reason?: string | undefined
}

export interface SignalOptions extends ChangeOptions {
  /** Merged into the request's extras. */
  extras?: Record<string, unknown> | undefined
}

export interface ListRequestsOptions extends CallOptions {
  status?: RequestView['status'][] | undefined
  /** Requests a page, 1 to 200; 50 when not given. */
  limit?: number | undefined
  cursor?: string | undefined
}

const FIRST_POLL_MS = 50
const LONGEST_POLL_MS = 1_000

export const createRequest = (
  transport: Transport,
  body: NewRequest,
  { idempotencyKey, signal }: ChangeOptions,
): Promise<RequestView> => send(transport, { method: 'POST', path: '/v1/requests', body, idempotencyKey, signal })

export const getRequest = (transport: Transport, requestId: string, { signal }: CallOptions): Promise<RequestView> =>
  send(transport, { method: 'GET', path: pathOf(requestId), signal })

/** @throws RequestWaitTimeout */
export async function waitRequest(transport: Transport, requestId: string, options: WaitOptions): Promise<RequestView> {
  const waitMs = options.waitMs ?? WAIT_DEFAULT_MS
  const endMs = performance.now() + waitMs
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_POLL_MS)) {
    const request = await getRequest(transport, requestId, options)
    if (request.finished_at !== null) return request
    const leftMs = endMs - performance.now()
    if (leftMs <= 0) throw new RequestWaitTimeout(request, waitMs)
    await pause(Math.min(pauseMs, leftMs), options.signal)
  }
}

/** A cancel that comes after another one has what it wants. */
export const cancelRequest = (transport: Transport, requestId: string, options: CancelRequestOptions) =>
  change(transport, requestId, 'cancel', { reason: options.reason }, options, ({ status }) => status === 'cancelled')

/** A request that runs although the first try was not answered was started by it. */
export const retryRequest = (transport: Transport, requestId: string, options: ChangeOptions) =>
  change(
    transport,
    requestId,
    'retry',
    undefined,
    options,
    ({ status }, isRepeat) => isRepeat && status !== 'cancelled',
  )

/** A request that ended although the first try was not answered went on with it. */
export const signalRequest = (transport: Transport, requestId: string, name: string, options: SignalOptions) =>
  change(
    transport,
    requestId,
    `signals/${encodeURIComponent(name)}`,
    { extras: options.extras },
    options,
    (_, isRepeat) => isRepeat,
  )

export async function* listRequests(
  transport: Transport,
  { status, limit, cursor, signal }: ListRequestsOptions,
): AsyncGenerator<RequestSummary, void, undefined> {
  const query = { status: status?.join(','), limit: limit?.toString() }
  let next = cursor
  do {
    const call: Call = { method: 'GET', path: '/v1/requests', query: { ...query, cursor: next }, signal }
    const page = await send<RequestList>(transport, call)
    yield* page.items
    next = page.next_cursor ?? undefined
  } while (next !== undefined)
}

export const putDefinition = (
  transport: Transport,
  name: string,
  steps: Plan,
  { signal }: CallOptions,
): Promise<DefinitionView> => send(transport, { method: 'PUT', path: definitionPath(name), body: { steps }, signal })

export const getDefinition = (
  transport: Transport,
  name: string,
  { version, signal }: CallOptions & { version?: number | undefined },
): Promise<DefinitionView> =>
  send(transport, { method: 'GET', path: definitionPath(name), query: { version: version?.toString() }, signal })

export const listDefinitions = async (
  transport: Transport,
  { signal }: CallOptions,
): Promise<DefinitionList['items']> =>
  (await send<DefinitionList>(transport, { method: 'GET', path: '/v1/definitions', signal })).items

/** @param isDone whether the request that refuses the change has it already */
async function change(
  transport: Transport,
  requestId: string,
  verb: string,
  body: unknown,
  { idempotencyKey, signal }: ChangeOptions,
  isDone: (request: Pick<RequestView, 'status'>, isRepeat: boolean) => boolean,
): Promise<RequestView> {
  let isRepeat = false
  const watching: Transport = {
    ...transport,
    onRetry: (retry) => {
      isRepeat = true
      transport.onRetry(retry)
    },
  }
  try {
    return await send(watching, { method: 'POST', path: `${pathOf(requestId)}/${verb}`, body, idempotencyKey, signal })
  } catch (error) {
    const request = error instanceof HastyError && error.code === 'wrong-state' ? error.problem?.['request'] : undefined
    if (request === undefined || !isDone(request as RequestView, isRepeat)) throw error
    return getRequest(transport, requestId, { signal })
  }
}

const send = async <Body>(transport: Transport, call: Call): Promise<Body> =>
  (await sendRequest<Body>(transport, call)).body

const pathOf = (requestId: string): string => `/v1/requests/${encodeURIComponent(requestId)}`
const definitionPath = (name: string): string => `/v1/definitions/${encodeURIComponent(name)}`
