import type { CreateJobBody } from '#shared/contracts/http/jobs.ts'
import type { CreatedEvent, ScheduledEvent } from '#shared/contracts/log/events.ts'
import { backoffSchema } from '#shared/contracts/log/job.ts'
import { tagsMember, tenantMember } from '#shared/contracts/log/job-spec.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { JobType } from './job-types.ts'
import { startTimeMs } from './start-time.ts'

/** Where a job comes from, as far as its first event tells it. */
type Origin = Pick<CreatedEvent, 'by' | 'trace_id' | 'parent_job_id'>

/** @throws AppError `invalid-request` when the start is given twice or lies too far ahead */
export function firstEvent(
  jobId: string,
  tenant: string | null,
  body: CreateJobBody,
  type: JobType,
  nowMs: number,
  origin: Origin = {},
): CreatedEvent | ScheduledEvent {
  const { policy } = type.info
  const at = isoTime(nowMs)
  const about = {
    job_id: jobId,
    object_id: body.object_id,
    ...tenantMember(tenant),
    ...tagsMember(body.tags),
    type: body.type,
    priority: body.priority,
    at,
    created_at: at,
    round: 1,
    attempt: 1,
    crashes: 0,
    ...(body.payload === undefined ? {} : { payload: body.payload }),
    timeout_ms: body.timeout_ms ?? policy.timeout_ms,
    max_attempts: body.attempts ?? policy.max_attempts,
    backoff: body.backoff === undefined ? policy.backoff : backoffSchema.parse({ ...policy.backoff, ...body.backoff }),
    ...(body.callback_url === undefined ? {} : { callback_url: body.callback_url }),
    ...origin,
  }
  const dueMs = startTimeMs(body, nowMs)
  return dueMs === null
    ? { event: 'job:created', ...about }
    : { event: 'job:scheduled', ...about, due_at: isoTime(dueMs) }
}
