import type { JobEvent, LoggedEvent } from '#shared/contracts/log/events.ts'
import { type EventNote, isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { isTerminalEvent } from '#shared/contracts/log/subjects.ts'

type EndEvent = Extract<JobEvent, { event: 'job:finished' | 'job:cancelled' | 'job:failed' }>

/** A job right after the end of one of its rounds, and the receiver of the webhook. */
export interface RoundEnd {
  event: EndEvent
  job: Job
  callbackUrl: string
}

export interface TracedEnd extends RoundEnd {
  /** The trace context of the attempt, or the call, that ended it; null where there is none. */
  endedUnder: string | null
}

/**
 * The end that an event stands for, seen from the fold that includes it. The fold may have continued to a later round:
 * then the batch is being applied again, or a reader folded the log earlier.
 * @param job the fold with the event at `seq` in it
 * @returns null for an event that ends nothing, and for a job without a callback_url
 */
export function endOfRound(job: Job, event: LoggedEvent, seq: number): RoundEnd | null {
  if (event.event === 'unreadable' || !isTerminalEvent(event.event) || !job.callback_url) return null
  const end = event as EndEvent
  const isStill = job.seq === seq && isTerminal(job.phase)
  return { event: end, job: isStill ? job : asItWas(job, end, seq), callbackUrl: job.callback_url }
}

const PHASES = { 'job:finished': 'finished', 'job:cancelled': 'cancelled', 'job:failed': 'failed' } as const

function asItWas(job: Job, event: EndEvent, seq: number): Job {
  return {
    ...job,
    seq,
    phase: PHASES[event.event],
    round: roundAt(job, seq),
    due_at: null,
    finished_at: event.at,
    updated_at: event.at,
    attempts: job.attempts.filter(({ started_at }) => started_at <= event.at),
    progress: null,
    result: event.event === 'job:finished' ? (event.result ?? null) : null,
    error: event.event === 'job:finished' ? null : (event.error ?? null),
    reason: event.event === 'job:finished' ? null : event.reason,
  }
}

/** The round at a sequence. The notes of a job say when each round began, except round 1. */
function roundAt(job: Job, seq: number): number {
  const begins = job.events.filter(({ event }) => event === 'job:created' || event === 'job:scheduled')
  const before = begins.findLast((note) => note.seq < seq)
  if (before !== undefined) return roundOf(before)
  const [after] = begins
  return after === undefined ? job.round : Math.max(roundOf(after) - 1, 1)
}

const roundOf = (note: EventNote): number => note.round ?? 1
