import type { EventBody } from '#shared/bus/job-history.ts'
import type { AttemptOutcome, JobError } from '#shared/contracts/log/job.ts'
import { familyMembers } from '#shared/contracts/log/job-spec.ts'
import { backoffMs } from '#shared/time/backoff.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { ChildDied } from '../isolate/isolation.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import type { LetGo } from './hold.ts'
import type { JobRun } from './job-run.ts'
import type { HandlerOutcome } from './run-handler.ts'
import type { StartedAttempt } from './start-attempt.ts'

export type OutcomeDeps = Pick<WorkerDeps, 'workerId' | 'policyOf' | 'clock' | 'random'>

/** How an attempt ended here. */
export type AttemptEnd =
  | HandlerOutcome
  | ChildDied
  | { kind: 'timeout' }
  | Exclude<LetGo, { kind: 'ended-elsewhere' | 'superseded' }>

/** The event that is published for an end, and what then happens to the delivery. */
export interface Outcome {
  event: EventBody
  /** As the job's record has it. */
  outcome: AttemptOutcome
  isTimeout?: true
  /** `again`: the next attempt starts here at once. */
  then: 'ack' | 'nak' | 'again'
}

/** The consequence of an attempt's end for its job, with the jobs that the job has made so far. */
export function outcomeOf(deps: OutcomeDeps, run: JobRun, attempt: StartedAttempt, end: AttemptEnd): Outcome {
  const outcome = consequenceOf(deps, run, attempt, end)
  if (run.made.isEmpty) return outcome
  return { ...outcome, event: { ...outcome.event, ...familyMembers({ children: run.made.list() }) } }
}

function consequenceOf(deps: OutcomeDeps, run: JobRun, attempt: StartedAttempt, end: AttemptEnd): Outcome {
  const about = { attempt: attempt.attempt, worker_id: deps.workerId }
  switch (end.kind) {
    case 'returned':
      return {
        event: { event: 'job:finished', ...about, result: JSON.parse(end.json) as unknown },
        outcome: 'finished',
        then: 'ack',
      }
    case 'timeout':
      return { ...timeoutOutcome(deps, run, attempt, about), isTimeout: true }
    case 'drain': {
      const { isolated } = attempt
      // An attempt in a child process did not end this process.
      const crashes = attempt.crashes + (end.isSuspect && !isolated ? 1 : 0)
      const event = { event: 'job:released', ...about, trigger: run.delivery.seq, crashes, isolated } as const
      return { event, outcome: 'released', then: 'nak' }
    }
    case 'died':
      return diedOutcome(deps, run, attempt, end, about)
    case 'threw':
      return threwOutcome(deps, run, attempt, end, about)
    case 'crashed':
      return crashedOutcome(deps, run, attempt, end, about)
  }
}

/** The outcome in place of an event that cannot be sent: with that one the job could neither continue nor end. */
export const tooLargeOutcome = (deps: OutcomeDeps, { attempt }: StartedAttempt, message: string): Outcome => ({
  event: {
    event: 'job:failed',
    attempt,
    worker_id: deps.workerId,
    reason: 'event_too_large',
    error: { name: 'EventTooLarge', message },
  },
  outcome: 'failed',
  then: 'ack',
})

interface AboutAttempt {
  attempt: number
  worker_id: string
}

function diedOutcome(
  deps: OutcomeDeps,
  run: JobRun,
  attempt: StartedAttempt,
  end: ChildDied,
  about: AboutAttempt,
): Outcome {
  const crashes = attempt.crashes + 1
  if (crashes >= deps.policyOf(run.spec.type).max_crashes) return crashedForGood(crashes, end.how, about)
  const started = { trigger: run.delivery.seq, crashes, isolated: true }
  return {
    event: { event: 'job:started', ...about, attempt: about.attempt + 1, ...started },
    outcome: 'crashed',
    then: 'again',
  }
}

/**
 * The outcome of a job whose code ended this process: another attempt after the backoff, isolated, unless it has done
 * so too often.
 */
function crashedOutcome(
  deps: OutcomeDeps,
  run: JobRun,
  attempt: StartedAttempt,
  { error, delayMs: askedMs }: Extract<LetGo, { kind: 'crashed' }>,
  about: AboutAttempt,
): Outcome {
  const crashes = attempt.crashes + 1
  if (crashes >= deps.policyOf(run.spec.type).max_crashes)
    return crashedForGood(crashes, [error.name, error.message].filter((part) => part !== '').join(': '), about)
  const delayMs = askedMs ?? backoffMs(run.spec.backoff, attempt.attempt, deps.random())
  const event = { ...retryingEvent(deps, run, { delayMs, error, crashes }, about), reason: 'crashed' }
  return { event, outcome: 'crashed', then: 'ack' }
}

const crashedForGood = (crashes: number, how: string, about: AboutAttempt): Outcome => ({
  event: {
    event: 'job:failed',
    ...about,
    reason: 'crashed',
    error: { name: 'Crashed', message: `${crashes} processes died while they ran this job; the last: ${how}` },
  },
  outcome: 'crashed',
  then: 'ack',
})

/** The type decides what a timeout is for its jobs. */
function timeoutOutcome(deps: OutcomeDeps, run: JobRun, attempt: StartedAttempt, about: AboutAttempt): Outcome {
  const { spec } = run
  const reason = 'timeout'
  const error = { name: 'Timeout', message: `the attempt took longer than ${spec.timeout_ms} ms` }
  const { on_timeout: onTimeout } = deps.policyOf(spec.type)
  if (onTimeout === 'cancel')
    return { event: { event: 'job:cancelled', ...about, reason, error }, outcome: 'cancelled', then: 'ack' }
  if (onTimeout === 'fail' || attempt.attempt >= spec.max_attempts)
    return { event: { event: 'job:failed', ...about, reason, error }, outcome: 'failed', then: 'ack' }
  const delayMs = backoffMs(spec.backoff, attempt.attempt, deps.random())
  const event = { ...retryingEvent(deps, run, { delayMs, error, crashes: attempt.crashes }, about), reason }
  return { event, outcome: 'retrying', then: 'ack' }
}

type Threw = Extract<HandlerOutcome, { kind: 'threw' }>

function threwOutcome(
  deps: OutcomeDeps,
  run: JobRun,
  attempt: StartedAttempt,
  end: Threw,
  about: AboutAttempt,
): Outcome {
  const { spec } = run
  if (end.permanent || attempt.attempt >= spec.max_attempts) {
    return {
      event: { event: 'job:failed', ...about, reason: end.reason, error: end.error },
      outcome: 'failed',
      then: 'ack',
    }
  }
  const delayMs = end.delayMs ?? backoffMs(spec.backoff, attempt.attempt, deps.random())
  const event = retryingEvent(deps, run, { delayMs, error: end.error, crashes: attempt.crashes }, about)
  return { event, outcome: 'retrying', then: 'ack' }
}

interface Again {
  delayMs: number
  error: JobError
  crashes: number
}

/** Everything that the next attempt needs: its worker sees only the timer made from this event. */
const retryingEvent = (deps: OutcomeDeps, run: JobRun, { delayMs, error, crashes }: Again, about: AboutAttempt) => ({
  ...about,
  event: 'job:retrying' as const,
  due_at: isoTime(deps.clock.now() + delayMs),
  error,
  ...jobSpec(run, crashes),
})

const jobSpec = (run: JobRun, crashes: number) => ({
  priority: run.spec.priority,
  created_at: run.spec.created_at,
  round: run.spec.round,
  payload: run.originalPayload(),
  timeout_ms: run.spec.timeout_ms,
  max_attempts: run.spec.max_attempts,
  backoff: run.spec.backoff,
  crashes,
  ...familyMembers(run.spec),
})
