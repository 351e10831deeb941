import { isSecretOf, type LeaseToken } from '#shared/accept/lease.ts'
import { ackSubjectAt } from '#shared/bus/ack-place.ts'
import type { EventBody } from '#shared/bus/job-history.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import { parseForeign } from '#shared/bus/read-event.ts'
import { type JobEvent, triggerEventSchema } from '#shared/contracts/log/events.ts'
import { isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { JobRun } from '../run/job-run.ts'
import { type AttemptEnd, type Outcome, outcomeOf, tooLargeOutcome } from '../run/outcome.ts'
import type { LendDeps } from './lend-deps.ts'
import { fencingTokenIn, isRunning, type LentAttempt, leaseIn, lentAttemptOf } from './lent-attempt.ts'

/** What the log says about an attempt that does not run any more; `by`: the event that ended it. */
export type Over = { kind: 'over'; isEnd: boolean; by: JobEvent | null }
export type Seen = { kind: 'live'; attempt: LentAttempt } | Over

/** The log shows that the attempt does not run, but not which event ended it. */
const SUPERSEDED: Over = { kind: 'over', isEnd: false, by: null }

/**
 * Reads from the log whether the attempt of a lease still runs, for a process that did not lend it, or lost the race for
 * its next event.
 * @throws AppError `invalid-lease` for a lease with another secret; `unavailable`
 */
export async function findAttempt(deps: LendDeps, token: LeaseToken): Promise<Seen> {
  const last = await deps.history.lastWhole(token).catch((error: unknown) => {
    throw unavailable('The broker did not answer. Repeat the call.', error)
  })
  const event = last?.event ?? null
  if (last === null || !isRunning(event)) return attemptOver(event, last === null)
  const lease = leaseIn(event)
  const isSame =
    event.trigger === token.trigger &&
    event.attempt === token.attempt &&
    fencingTokenIn(event, last.about.seq) === token.seq
  if (lease === null || !isSame) return SUPERSEDED
  if (!isSecretOf(lease.hash, token.secret)) throw notOurs()
  const run = await runOf(deps, token)
  if (run === null) return SUPERSEDED
  const attempt = lentAttemptOf(deps.clock, run, event, last.about.seq)
  return attempt === null ? SUPERSEDED : { kind: 'live', attempt }
}

export const notOurs = (): AppError =>
  new AppError('invalid-lease', 'Send the lease exactly as it was handed out with the job.')

/** @param isForgotten whether the log has nothing of the job any more */
export function attemptOver(event: JobEvent | null, isForgotten: boolean): Over {
  const isEnd = isForgotten || (event !== null && isTerminalEvent(event.event))
  return { kind: 'over', isEnd, by: event }
}

/** The run of a job that another process holds: its trigger is read from the log, and its delivery is known from the lease. */
async function runOf(deps: LendDeps, { trigger, ack, type }: LeaseToken): Promise<JobRun | null> {
  const message = await deps.stream.atSequence(trigger).catch((error: unknown) => {
    throw unavailable('The broker did not answer. Repeat the call.', error)
  })
  const spec = message === null ? null : parseForeign(triggerEventSchema, message.body)
  if (message === null || spec === null) return null
  const never = { monotonicMs: 0, wallMs: 0 }
  const delivery: Delivery = {
    subject: message.subject,
    body: message.body,
    seq: trigger,
    storedNs: '',
    deliveries: 1,
    consumerSeq: 0,
    pending: 0,
    asked: never,
    ackSubject: ackSubjectAt(ack, { type }, trigger),
    header: (name) => message.headers.get(name) ?? '',
  }
  return new JobRun(deps, delivery, spec)
}

/** The attempt's outcome in the log, or what the log has in its place. */
export async function publishEnd(
  deps: LendDeps,
  attempt: LentAttempt,
  end: AttemptEnd,
): Promise<{ outcome: Outcome; event: JobEvent } | Over> {
  const about = { ...deps, workerId: attempt.workerId }
  const outcome = outcomeOf(about, attempt.run, attempt.attempt, end)
  try {
    const result = await appendToLent(deps, attempt, () => outcome.event)
    return result.kind === 'over' ? result : { outcome, event: result.event }
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'payload-too-large')) throw error
    const failed = tooLargeOutcome(about, attempt.attempt, error.message)
    const result = await appendToLent(deps, attempt, () => failed.event)
    return result.kind === 'over' ? result : { outcome: failed, event: result.event }
  }
}

/**
 * Stores the next event of an attempt that still runs. A refusal may only mean that another process stored an extension:
 * then the event follows that one.
 * @param makeBody called for each try, because the lease may have moved since the one before
 * @throws AppError `unavailable`
 */
export const appendToLent = (
  deps: LendDeps,
  attempt: LentAttempt,
  makeBody: () => EventBody,
): Promise<{ kind: 'stored'; event: JobEvent } | Over> =>
  attempt.inTurn(async () => {
    for (;;) {
      if (attempt.endedBy !== null) return attemptOver(attempt.endedBy, false)
      const result = await attempt.run.publish(makeBody())
      if (result.kind === 'stored') {
        if (isRunning(result.event)) attempt.follow(result.event, result.seq)
        else attempt.endedBy = result.event
        return result
      }
      const last = await deps.history.lastWhole(attempt.run.spec).catch((error: unknown) => {
        throw unavailable('The broker did not answer. Repeat the call.', error)
      })
      const event = last?.event ?? null
      if (last === null || !isRunning(event)) return attemptOver(event, last === null)
      const isSame =
        event.trigger === attempt.run.delivery.seq && fencingTokenIn(event, last.about.seq) === attempt.attempt.seq
      if (!isSame) return SUPERSEDED
      attempt.follow(event, last.about.seq)
    }
  })
