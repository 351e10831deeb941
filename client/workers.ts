import { plainId } from '../shared/formats/plain-text.ts'
import type { WorkerAttempt, WorkerAttempts, WorkerDetail, WorkerList } from './contracts.ts'
import { eachItem } from './each-item.ts'
import type { CallOptions } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'

export interface ListWorkersOptions extends CallOptions {
  /** true: only live workers; false: only the others. */
  live?: boolean | undefined
}

export interface WorkerAttemptsOptions extends CallOptions {
  /** Attempts per page, 1 to 200; 50 by default. */
  limit?: number | undefined
  cursor?: string | undefined
}

export type WorkerCalls = ReturnType<typeof makeWorkerCalls>

/** The processes that run jobs. Needs the scope `admin` where tokens are required. */
export function makeWorkerCalls(transport: Transport) {
  const pathOf = (workerId: string): string => `/v1/workers/${encodeURIComponent(plainId(workerId))}`
  return {
    /** Current and past workers, newest first. */
    list: async ({ live, signal }: ListWorkersOptions = {}): Promise<WorkerList['items']> => {
      const query = { live: live?.toString() }
      return (await sendRequest<WorkerList>(transport, { method: 'GET', path: '/v1/workers', query, signal })).items
    },

    get: (workerId: string, { signal }: CallOptions = {}): Promise<WorkerDetail> =>
      sendRequest(transport, { method: 'GET', path: pathOf(workerId), signal }),

    /** All attempts of a worker, last ended first, page by page as they are requested. */
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
