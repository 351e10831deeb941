import { noteOf, withNote } from './event-notes.ts'
import type { JobEvent, LoggedEvent } from './events.ts'
import { type Attempt, type AttemptOutcome, type Child, isTerminal, type Job, type JobError } from './job.ts'
import { tagsMember } from './job-spec.ts'

/**
 * Number of attempts that a job keeps, more than a round may have. A job that is retried endlessly must not grow
 * endlessly: a record too large for its store would keep all others from being shown.
 */
const ATTEMPTS_KEPT = 200

/**
 * The fold of a job's history, one event at a time, in stream order. An event at or below `job.seq` changes nothing and
 * returns the very same object, so repeats are harmless. An event for a job whose `job:created` was never seen returns
 * null: an incomplete job is not shown.
 * @param seq stream sequence of the event
 */
export function applyEvent(job: Job | null, event: LoggedEvent, seq: number): Job | null {
  if (job === null) return isFirst(event) ? firstState(event, seq) : null
  if (seq <= job.seq) return job
  // After the end only a new round may follow: every writer uses compare-and-set, so nothing else is ever stored.
  if (isTerminal(job.phase) && !startsRound(event, job)) return { ...job, seq }
  const noted: Job = {
    ...job,
    ...childrenAfter(job, event),
    seq,
    updated_at: event.at,
    events: withNote(job.events, event, seq),
  }
  const next = withShortAttempt(noted, event)
  switch (event.event) {
    case 'unreadable':
      return next
    case 'job:created':
    case 'job:scheduled':
      return begun(next, event)
    case 'job:started':
      return started(next, event)
    case 'job:progress':
      if (event.lent?.has_reported === false) return next
      return {
        ...next,
        progress: { percent: event.percent, message: event.message, data: event.data ?? null, at: event.at },
      }
    case 'job:retrying':
      return {
        ...next,
        phase: 'retrying',
        due_at: event.due_at,
        attempts: endOpenAttempt(next.attempts, outcomeOf(event, 'retrying'), event.at, event.error),
      }
    case 'job:released':
      return { ...next, phase: 'waiting', attempts: endOpenAttempt(next.attempts, 'released', event.at, null) }
    case 'job:finished':
      return {
        ...next,
        ...ended('finished', event.at),
        result: event.result ?? null,
        attempts: endOpenAttempt(next.attempts, 'finished', event.at, null),
      }
    case 'job:cancelled':
      return {
        ...next,
        ...ended('cancelled', event.at),
        reason: event.reason,
        error: event.error ?? null,
        attempts: endOpenAttempt(next.attempts, 'cancelled', event.at, event.error ?? null),
      }
    case 'job:failed':
      return {
        ...next,
        ...ended('failed', event.at),
        reason: event.reason,
        error: event.error,
        attempts: endOpenAttempt(next.attempts, outcomeOf(event, 'failed'), event.at, event.error),
      }
  }
}

/** An event names the children that its writer knows of: those of an attempt that was cut short it may not know. */
function childrenAfter({ children = [] }: Job, event: LoggedEvent): { children?: Child[] } {
  const told = 'children' in event ? (event.children as Child[] | undefined) : undefined
  if (told === undefined || told.length === 0) return {}
  const byName = new Map([...children, ...told].map((child) => [child.name, child]))
  return { children: [...byName.values()] }
}

const outcomeOf = ({ reason }: { reason?: string | undefined }, otherwise: AttemptOutcome): AttemptOutcome =>
  reason === 'crashed' ? 'crashed' : otherwise

/** The job when it waits again: in another round, at another time, or woken. */
function begun(job: Job, event: FirstEvent): Job {
  const isNewRound = event.round > job.round
  return {
    ...job,
    ...roundReset(isNewRound),
    phase: event.event === 'job:created' ? 'waiting' : 'scheduled',
    due_at: event.event === 'job:scheduled' ? event.due_at : null,
    round: event.round,
    crashes: event.crashes,
    timeout_ms: event.timeout_ms,
    max_attempts: event.max_attempts,
    first_attempt: isNewRound ? event.attempt : job.first_attempt,
    backoff: event.backoff,
    attempts: endOpenAttempt(job.attempts, 'crashed', event.at, null),
  }
}

function started(job: Job, { attempt, worker_id, at, crashes }: Extract<JobEvent, { event: 'job:started' }>): Job {
  return { ...withAttempt(job, { attempt, worker_id, started_at: at }), phase: 'running', due_at: null, crashes }
}

/** The start of a short attempt stands in its outcome. */
function withShortAttempt(job: Job, event: LoggedEvent): Job {
  if (event.event !== 'job:finished' && event.event !== 'job:failed' && event.event !== 'job:retrying') return job
  const { attempt, worker_id, started_at } = event
  if (attempt === undefined || worker_id === undefined || started_at === undefined) return job
  return withAttempt(job, { attempt, worker_id, started_at })
}

/** An attempt that is still open when the next one starts was cut short by the death of its worker. */
function withAttempt(job: Job, start: Pick<Attempt, 'attempt' | 'worker_id' | 'started_at'>): Job {
  const opened: Attempt = { ...start, round: job.round, ended_at: null, outcome: null, error: null }
  return {
    ...job,
    started_at: job.started_at ?? start.started_at,
    attempts: [...endOpenAttempt(job.attempts, 'crashed', start.started_at, null), opened].slice(-ATTEMPTS_KEPT),
  }
}

/**
 * Whether an event begins a history. Later rounds and wake-ups by the sweeper continue one: on their own they are
 * incomplete.
 */
export const isFirst = (event: LoggedEvent): event is FirstEvent =>
  (event.event === 'job:created' || event.event === 'job:scheduled') && event.round === 1 && event.attempt === 1

type FirstEvent = Extract<JobEvent, { event: 'job:created' | 'job:scheduled' }>

function firstState(event: FirstEvent, seq: number): Job {
  return {
    job_id: event.job_id,
    object_id: event.object_id,
    type: event.type,
    priority: event.priority,
    tenant: event.tenant ?? null,
    ...tagsMember(event.tags),
    ...(event.parent_job_id === undefined ? {} : { parent_job_id: event.parent_job_id }),
    ...(event.trace_id === undefined ? {} : { trace_id: event.trace_id }),
    phase: event.event === 'job:created' ? 'waiting' : 'scheduled',
    round: event.round,
    created_at: event.created_at,
    started_at: null,
    finished_at: null,
    due_at: event.event === 'job:scheduled' ? event.due_at : null,
    payload: event.payload ?? null,
    timeout_ms: event.timeout_ms,
    max_attempts: event.max_attempts,
    first_attempt: event.attempt,
    backoff: event.backoff,
    callback_url: event.callback_url ?? null,
    attempts: [],
    events: [noteOf(event, seq)],
    progress: null,
    result: null,
    error: null,
    reason: null,
    crashes: event.crashes,
    seq,
    updated_at: event.at,
  }
}

const startsRound = (event: LoggedEvent, job: Job): boolean =>
  (event.event === 'job:created' || event.event === 'job:scheduled') && event.round > job.round

/** Members that an operator's retry resets: the history of attempts stays. */
const roundReset = (isNewRound: boolean): Partial<Job> =>
  isNewRound ? { started_at: null, finished_at: null, progress: null, result: null, error: null, reason: null } : {}

const ended = (phase: 'finished' | 'cancelled' | 'failed', at: string): Partial<Job> & { phase: Job['phase'] } => ({
  phase,
  finished_at: at,
  due_at: null,
})

function endOpenAttempt(attempts: Attempt[], outcome: AttemptOutcome, at: string, error: JobError | null): Attempt[] {
  const last = attempts.at(-1)
  if (last === undefined || last.outcome !== null) return attempts
  return [...attempts.slice(0, -1), { ...last, ended_at: at, outcome, error }]
}
