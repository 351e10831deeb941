import { type BeginJobDeps, beginJob } from '#shared/accept/begin-job.ts'
import { CALLBACK_POLICY, CALLBACK_TYPE, type CallbackPayload } from '#shared/contracts/log/callback.ts'
import type { CreatedEvent } from '#shared/contracts/log/events.ts'
import { jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { derivedJobId } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import type { TracedEnd } from './end-of-round.ts'
import { webhookBody } from './webhook-body.ts'

export interface SendCallbacksDeps extends BeginJobDeps {
  clock: Clock
  log: Logger
}

/**
 * Creates the job that delivers the webhook, for each end of a job that has a `callback_url`. Its id is derived from
 * the end, and its first event requires that nothing is there: however often a batch is applied, and by however many
 * replicas, there is exactly one.
 * @throws AppError `unavailable` or `cannot-store` when the broker gives no verdict: do not move the checkpoint past
 * these ends
 */
export async function sendCallbacks(deps: SendCallbacksDeps, ends: TracedEnd[]): Promise<void> {
  await Promise.all(ends.map((end) => sendCallback(deps, end)))
}

async function sendCallback(deps: SendCallbacksDeps, end: TracedEnd): Promise<void> {
  const { job, event, callbackUrl, endedUnder } = end
  const endedMs = Date.parse(event.at)
  const jobId = derivedJobId(
    Number.isNaN(endedMs) ? jobIdTimeMs(job.job_id) : endedMs,
    'callback',
    job.job_id,
    job.round,
  )
  const payload: CallbackPayload = {
    url: callbackUrl,
    event: event.event,
    webhook_id: `msg_${job.job_id}_${job.round}`,
    body: webhookBody(end),
  }
  const at = isoTime(deps.clock.now())
  const created: CreatedEvent = {
    event: 'job:created',
    job_id: jobId,
    type: CALLBACK_TYPE,
    priority: 'normal',
    object_id: `callback:${job.job_id}:${job.round}`,
    ...tenantMember(job.tenant),
    at,
    created_at: at,
    round: 1,
    attempt: 1,
    crashes: 0,
    payload,
    timeout_ms: CALLBACK_POLICY.timeout_ms,
    max_attempts: CALLBACK_POLICY.max_attempts,
    backoff: CALLBACK_POLICY.backoff,
  }
  const isNew = await beginJob(deps, created, { once: 'same-address', parent: endedUnder }).catch((error: unknown) => {
    if (error instanceof AppError && error.status >= 500) throw error
    // The broker would refuse this callback forever, and no other jobs would be shown in the meantime.
    deps.log.error({ err: error, job_id: job.job_id }, 'the broker refused a callback, which is not sent')
    return false
  })
  const about = { job_id: job.job_id, ...tenantMember(job.tenant ?? null) }
  if (isNew) deps.log.info({ ...about, callback_job_id: jobId }, 'callback job created')
}
