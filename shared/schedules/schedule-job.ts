import type { CreateJobBody } from '#shared/contracts/http/jobs.ts'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'

/** The body that a caller would post to create the schedule's job. */
export const jobOf = ({ name, job }: Pick<ScheduleRecord, 'name' | 'job'>): CreateJobBody => ({
  ...job,
  object_id: job.object_id ?? `schedule:${name}`,
})
