import { plainId } from '../shared/formats/plain-text.ts'
import type { WorkerAttempt, WorkerAttempts, WorkerDetail, WorkerList } from './contracts.ts'
import { eachItem } from './each-item.ts'
import type { CallOptions } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'

export interface ListWorkersOptions extends CallOptions {
  /** Only those that are live, or only those that are not. */
  live?: boolean | undefined
}

export interface WorkerAttemptsOptions extends CallOptions {
  /** Attempts a page, 1 to 200; 50 when not given. */
  limit?: number | undefined
  cursor?: string | undefined
}

export type WorkerCalls = ReturnType<typeof makeWorkerCalls>

/** The processes that run jobs. Takes the scope `admin` where tokens are required. */
export function makeWorkerCalls(transport: Transport) {
  const pathOf = (workerId: string): string => `/v1/workers/${encodeURIComponent(plainId(workerId))}`
  return {
    /** Those there are, and those there were, the newest first. */
    list: async ({ live, signal }: ListWorkersOptions = {}): Promise<WorkerList['items']> => {
      const query = { live: live?.toString() }
      return (await sendRequest<WorkerList>(transport, { method: 'GET', path: '/v1/workers', query, signal })).items
    },

    get: (workerId: string, { signal }: CallOptions = {}): Promise<WorkerDetail> =>
      sendRequest(transport, { method: 'GET', path: pathOf(workerId), signal }),

    /** All that it ran, what ended last first, page by page as they are asked for. */
    attempts(
      workerId: string,
      { limit, cursor: first, signal }: WorkerAttemptsOptions = {},
    ): AsyncGenerator<WorkerAttempt, void, undefined> {
      const path = `${pathOf(workerId)}/attempts`
      return eachItem((cursor) => {
        const query = { limit: limit?.toString(), cursor }
        return sendRequest<WorkerAttempts>(transport, { method: 'GET', path, query, signal })
      }, first)
    },
  }
}
