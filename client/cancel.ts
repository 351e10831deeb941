import { plainId } from '../shared/formats/plain-text.ts'
import type { JobSummaryView, JobView, RequestView } from './contracts.ts'
import { HastyError } from './errors.ts'
import type { ChangeOptions } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'

export interface CancelOptions extends ChangeOptions {
  /** The reason, for people: shown as the error of the job or request. */
  reason?: string | undefined
}

/** Ends a job that has not ended. @throws HastyError `wrong-state` where it ended otherwise, also by its timeout */
export const cancelJob = (transport: Transport, jobId: string, options: CancelOptions): Promise<JobView> =>
  cancel(transport, `/v1/jobs/${encodeURIComponent(plainId(jobId))}`, options, ({ problem }) => {
    const job = problem?.['job'] as JobSummaryView | undefined
    return job?.status === 'cancelled' && job.reason === 'requested'
  })

/** Cancels running jobs, and starts nothing more. @throws HastyError `wrong-state` where the request ended otherwise */
export const cancelRequest = (transport: Transport, requestId: string, options: CancelOptions): Promise<RequestView> =>
  cancel(transport, `/v1/requests/${encodeURIComponent(plainId(requestId))}`, options, ({ problem }) => {
    const request = problem?.['request'] as Pick<RequestView, 'status'> | undefined
    return request?.status === 'cancelled'
  })

/** Treats a cancel of something already cancelled as done. */
async function cancel<View>(
  transport: Transport,
  path: string,
  { reason, idempotencyKey, signal }: CancelOptions,
  isCancelled: (refusal: HastyError) => boolean,
): Promise<View> {
  try {
    const call = { method: 'POST', path: `${path}/cancel`, body: { reason }, idempotencyKey, signal } as const
    return await sendRequest<View>(transport, call)
  } catch (error) {
    if (!(error instanceof HastyError) || error.code !== 'wrong-state' || !isCancelled(error)) throw error
    return sendRequest<View>(transport, { method: 'GET', path, signal })
  }
}
