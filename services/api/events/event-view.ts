import type { EventView } from '#shared/contracts/http/events.ts'
import { noteOf } from '#shared/contracts/log/event-notes.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { tagsMember, tenantMember } from '#shared/contracts/log/job-spec.ts'

/** An event as its readers get it: the note in the job's history, the owner, and the result. */
export const eventView = (event: JobEvent, seq: number): EventView => ({
  ...noteOf(event, seq),
  job_id: event.job_id,
  object_id: event.object_id,
  ...tenantMember(event.tenant ?? null),
  ...tagsMember(event.tags),
  type: event.type,
  ...(event.event === 'job:progress' ? { data: event.data ?? null } : {}),
  ...(event.event === 'job:finished' ? { result: event.result ?? null } : {}),
})
