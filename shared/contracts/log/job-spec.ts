import type { JobSpec } from './events.ts'
import type { Job } from './job.ts'

/** The member `tenant`, which a job of no tenant does not have. */
export const tenantMember = (tenant: string | null): { tenant?: string } => (tenant === null ? {} : { tenant })

/** The members that name a job in a log line. */
export const jobInLog = ({
  job_id,
  type,
  tenant = null,
}: {
  job_id: string
  type: string
  tenant?: string | null | undefined
}): { job_id: string; type: string; tenant?: string } => ({ job_id, type, ...tenantMember(tenant) })

/** The member `tags`, which a job without tags does not have. */
export const tagsMember = (tags: string[] | undefined): { tags?: string[] } =>
  tags === undefined || tags.length === 0 ? {} : { tags }

/** The members that tell of a parent and of children, which most jobs do not have. */
export const familyMembers = ({ parent_job_id, children }: Pick<JobSpec, 'parent_job_id' | 'children'>) => ({
  ...(parent_job_id === undefined ? {} : { parent_job_id }),
  ...(children === undefined || children.length === 0 ? {} : { children }),
})

/** The members that an event must carry to continue a job's history, so that a worker can run the job from it alone. */
export const jobSpecOf = (job: Job): JobSpec => ({
  job_id: job.job_id,
  object_id: job.object_id,
  type: job.type,
  priority: job.priority,
  ...tenantMember(job.tenant),
  ...tagsMember(job.tags),
  created_at: job.created_at,
  round: job.round,
  follows: job.seq,
  payload: job.payload,
  timeout_ms: job.timeout_ms,
  max_attempts: job.max_attempts,
  backoff: job.backoff,
  ...(job.callback_url === null ? {} : { callback_url: job.callback_url }),
  crashes: job.crashes,
  ...familyMembers(job),
})

/** Number of the attempt that starts next: a released attempt keeps its number. */
export function nextAttempt(job: Job): number {
  const last = job.attempts.at(-1)
  if (last === undefined) return job.first_attempt
  return last.outcome === 'released' ? last.attempt : Math.max(last.attempt + 1, job.first_attempt)
}
