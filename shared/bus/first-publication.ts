import type { CreatedEvent, ScheduledEvent } from '#shared/contracts/log/events.ts'
import { eventSubject, historyFilter, historyFilterById } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Publication } from './publication.ts'

export interface BeginOptions {
  /** Dedupe id, which the broker remembers for the cooldown. */
  msgId?: string
  headers?: Record<string, string> | undefined
  /**
   * The event is stored only if the log has nothing of the job: `same-address` compares with the job's own type and
   * priority, `any-address` with whatever type and priority an earlier try may have had.
   */
  once?: 'same-address' | 'any-address'
}

/** The first event of a job as a message, to be published alone or in one atomic batch with those of other jobs. */
export function firstPublication(event: CreatedEvent | ScheduledEvent, options: BeginOptions = {}): Publication {
  const { msgId, headers, once } = options
  const publication: Publication = {
    subject: eventSubject(event.event, event),
    body: JSON.stringify(event),
    nonce: newNonce(),
    conflictKey: event.job_id,
  }
  if (msgId !== undefined) publication.msgId = msgId
  if (headers !== undefined) publication.headers = headers
  if (once === 'same-address') publication.expect = { seq: 0, filter: historyFilter(event) }
  if (once === 'any-address') publication.expect = { seq: 0, filter: historyFilterById(event.job_id) }
  return publication
}
