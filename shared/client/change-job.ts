import type { JobSummaryView, JobView } from './contracts.ts'
import { HastyError } from './errors.ts'
import { type ChangeOptions, type StartTime, toStartBody } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'
import { readJob } from './wait-job.ts'

export interface CancelOptions extends ChangeOptions {
  /** Why, for people: shown as the job's error. */
  reason?: string | undefined
}

export interface RetryOptions extends ChangeOptions, StartTime {
  timeoutMs?: number | undefined
  /** Attempts of the new round. */
  attempts?: number | undefined
}

/** A cancel that comes after another one has what it wants: a repeated request is not refused for its own doing. */
export function cancelJob(transport: Transport, jobId: string, options: CancelOptions): Promise<JobView> {
  const isDone = ({ status, reason }: JobSummaryView) => status === 'cancelled' && reason === 'requested'
  return changeJob(transport, jobId, 'cancel', { reason: options.reason }, options, isDone)
}

/** A job that runs although the first try was not answered was started by it. */
export function retryJob(transport: Transport, jobId: string, options: RetryOptions): Promise<JobView> {
  const body = { timeout_ms: options.timeoutMs, attempts: options.attempts, ...toStartBody(options) }
  return changeJob(transport, jobId, 'retry', body, options, (job, isRepeat) => isRepeat && job.round > 1)
}

/** @param isDone whether the job that refuses the change has it already */
async function changeJob(
  transport: Transport,
  jobId: string,
  verb: 'cancel' | 'retry',
  body: unknown,
  options: ChangeOptions,
  isDone: (job: JobSummaryView, isRepeat: boolean) => boolean,
): Promise<JobView> {
  let isRepeat = false
  const watching = {
    ...transport,
    onRetry: (retry: Parameters<Transport['onRetry']>[0]) => {
      isRepeat = true
      transport.onRetry(retry)
    },
  }
  const path = `/v1/jobs/${encodeURIComponent(jobId)}/${verb}`
  const { idempotencyKey, signal } = options
  try {
    const answer = await sendRequest<JobView>(watching, { method: 'POST', path, body, idempotencyKey, signal })
    return answer.body
  } catch (error) {
    const job = error instanceof HastyError && error.code === 'wrong-state' ? error.problem?.['job'] : undefined
    if (job === undefined || !isDone(job as JobSummaryView, isRepeat)) throw error
    return readJob(transport, jobId, 0, signal)
  }
}
