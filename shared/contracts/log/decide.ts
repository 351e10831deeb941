import { isTerminalEvent, type JobEventName } from './subjects.ts'

/** A message on a lane: it may start the job only after the sequence that it names. */
export interface Trigger {
  /** Stream sequence of the trigger message itself. */
  seq: number
  /**
   * Sequence at which the job's history must end for this trigger to start the job: the trigger's own, or the header
   * `Hasty-After`.
   */
  after: number
  /** Attempt and crash count that the job would start with. */
  attempt: number
  crashes: number
  /** Nonce of the `job:started` that was just refused. */
  nonce: string
  /** Number of deliveries, this one included. */
  deliveries: number
  /** Number of dead workers after which the job fails. */
  maxCrashes: number
}

/** The last event of the job's history, as far as the decision needs it. */
export interface LastEvent {
  event: JobEventName
  seq: number
  nonce: string
  trigger?: number | undefined
  attempt?: number | undefined
  crashes?: number | undefined
  worker_id?: string | undefined
  /** When it was written, RFC 3339. */
  at?: string | undefined
  /** The lease of an attempt that was lent over HTTP; milliseconds by the broker's clock. */
  lease?: { untilMs: number; deadlineMs: number } | undefined
  /** No worker of this version can read the event. */
  isUnreadable?: boolean | undefined
  /** The event was written under a later contract: a newer worker can read it. */
  isNewer?: boolean | undefined
}

export type Decision =
  /** This worker's own `job:started` is stored after all. */
  | { do: 'run'; startedSeq: number }
  /** The trigger has nothing left to start. */
  | { do: 'ack' }
  /** Hand the trigger back for a worker that can read the last event. */
  | { do: 'hand-back' }
  /** No worker can read the last event: publish `job:failed`, reason `unreadable`. */
  | { do: 'unreadable'; after: number }
  /** Neither ack nor nak: another worker runs the job. */
  | { do: 'drop' }
  /** An HTTP worker has the job, and its lease lives: keep the delivery for it. */
  | { do: 'vouch' }
  /** The time of an attempt that was lent over HTTP is up: publish what a timeout is for its type. */
  | { do: 'timeout'; after: number }
  /** Ask that worker whether it still runs the job, then decide again. */
  | { do: 'ask'; worker_id: string }
  /** Publish `job:started` with compare-and-set on `after`. */
  | { do: 'start'; after: number; attempt: number; crashes: number }
  /** The job killed its workers too often: publish `job:failed`, reason `crashed`. */
  | { do: 'crashed'; after: number; attempt: number; crashes: number }

/** How far the clocks of two services may be apart when they judge a lease. */
export const LEASE_SLACK_MS = 2_000

/**
 * With HAND_BACK_MS between them an hour: a rolling upgrade is never longer without a worker that can read an event.
 */
export const HAND_BACKS_MAX = 720
/** Pause until the next look for a worker of the newer version. */
export const HAND_BACK_MS = 5_000

/**
 * Decides what a worker does when its `job:started` was refused, or may have been: the table of docs/state-machine.md.
 * @param nowMs the broker's time
 * @param holderAlive the holder's answer; undefined when it was not asked yet
 */
export function decide(trigger: Trigger, last: LastEvent | null, nowMs: number, holderAlive?: boolean): Decision {
  if (last === null || isTerminalEvent(last.event)) return { do: 'ack' }
  if (last.nonce === trigger.nonce) return { do: 'run', startedSeq: last.seq }
  if (last.isUnreadable === true) {
    const isHopeful = last.isNewer === true && trigger.deliveries <= HAND_BACKS_MAX
    return isHopeful ? { do: 'hand-back' } : { do: 'unreadable', after: last.seq }
  }
  if (last.seq === trigger.after) {
    return { do: 'start', after: last.seq, attempt: trigger.attempt, crashes: trigger.crashes }
  }
  if (last.trigger !== trigger.seq) return { do: 'ack' }
  const attempt = last.attempt ?? trigger.attempt
  const crashes = last.crashes ?? trigger.crashes
  if (last.event === 'job:released') return { do: 'start', after: last.seq, attempt, crashes }
  if (last.event !== 'job:started' && last.event !== 'job:progress') return { do: 'ack' }
  if (last.lease !== undefined) {
    if (nowMs >= last.lease.deadlineMs) return { do: 'timeout', after: last.seq }
    if (nowMs < last.lease.untilMs + LEASE_SLACK_MS) return { do: 'vouch' }
  } else {
    if (holderAlive === undefined) return { do: 'ask', worker_id: last.worker_id ?? '' }
    if (holderAlive) return { do: 'drop' }
  }
  // Isolated or not: a handler can kill its worker even from a process of its own.
  const deaths = crashes + 1
  const next = { after: last.seq, attempt: attempt + 1, crashes: deaths }
  return deaths >= trigger.maxCrashes ? { do: 'crashed', ...next } : { do: 'start', ...next }
}
