import type { Lent, LoggedEvent } from './events.ts'
import type { EventNote } from './job.ts'

/**
 * Number of events that a job keeps; the oldest are dropped first. A job that is retried endlessly must not grow
 * endlessly.
 */
const NOTES_MAX = 1_000

/** The part of an event that people are shown. Payload and result belong to the job: its history repeats neither. */
export function noteOf(event: LoggedEvent, seq: number): EventNote {
  const { round, attempt, worker_id, by, started_at, due_at, reason, error, percent, message } =
    event as Partial<EventNote>
  const lent = 'lent' in event ? (event.lent as Lent | undefined) : undefined
  return {
    seq,
    event: event.event,
    at: event.at,
    ...(round === undefined || round === 1 ? {} : { round }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(worker_id === undefined ? {} : { worker_id }),
    ...(by === undefined ? {} : { by }),
    ...(started_at === undefined ? {} : { started_at }),
    ...(due_at === undefined ? {} : { due_at }),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
    ...(lent === undefined ? {} : { lease_until: lent.lease_until }),
    // An event that only extends a lease reports nothing.
    ...(event.event === 'job:progress' && lent?.has_reported !== false ? { percent, message } : {}),
  }
}

/** The history with one more note. Progress may come every second for hours: the latest replaces the one before. */
export function withNote(notes: EventNote[], event: LoggedEvent, seq: number): EventNote[] {
  const isRepeated = event.event === 'job:progress' && notes.at(-1)?.event === 'job:progress'
  const kept = isRepeated ? notes.slice(0, -1) : notes.slice(-(NOTES_MAX - 1))
  return [...kept, noteOf(event, seq)]
}
