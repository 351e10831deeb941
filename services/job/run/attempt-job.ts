import type { Appended } from '#shared/bus/job-history.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { traceIdMember } from '#shared/trace/traceparent.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { endAttemptSpan, startAttemptSpan } from './attempt-span.ts'
import type { JobRun } from './job-run.ts'
import { type Outcome, outcomeOf, tooLargeOutcome } from './outcome.ts'
import { runUntilEnd } from './run-until-end.ts'
import type { StartedAttempt } from './start-attempt.ts'

/** Longest time for which a handler that ignores its signal keeps its slot. */
const ABANDON_AFTER_MS = 10_000
/** Time after which such a handler is not merely on its way out. */
const IGNORED_AFTER_MS = 1_000

/**
 * Runs one attempt and publishes its outcome before the ack: a crash between the two costs a redelivery that sees the
 * terminal event; the other order would cost the job.
 * @returns the next attempt when it starts here at once (the child of an isolated attempt died), else null
 */
export async function attemptJob(
  deps: WorkerDeps,
  run: JobRun,
  attempt: StartedAttempt,
): Promise<StartedAttempt | null> {
  const { spec, delivery, hold } = run
  const startedMs = deps.clock.monotonic()
  // The lease was taken for the job's timeout at arrival: renew it where starting took a while.
  if (startedMs - run.receivedAtMs > LATE_START_MS) deps.lease.hold(delivery, spec.job_id, spec.timeout_ms)
  if (attempt.attempt === 1) deps.metrics.waitSeconds.observe({ type: spec.type }, waitSeconds(deps, spec.created_at))
  const named = { ...jobInLog(spec), attempt: attempt.attempt, ...traceIdMember(run.traceparent) }
  deps.log.info(named, 'attempt started')
  deps.attempts.begin(spec.job_id, spec.type, attempt.attempt)

  run.span = startAttemptSpan(deps, run, attempt, deps.workerId)
  const { end, lingering } = await runUntilEnd(deps, run, attempt)
  const ms = Math.round(deps.clock.monotonic() - startedMs)
  const hasEnded = end.kind === 'returned' || end.kind === 'threw'
  deps.deliveryStarts.observe(spec.type, hasEnded ? ms : Number.POSITIVE_INFINITY)
  const about = { ...named, ms }
  let next: StartedAttempt | null = null
  if (end.kind === 'ended-elsewhere') giveUp(deps, run, about)
  else if (end.kind === 'superseded') await discard(deps, run, about)
  else next = await publishOutcome(deps, run, attempt, outcomeOf(deps, run, attempt, end), about)
  if (end.kind === 'drain' || end.kind === 'crashed') hold.settle()
  if (lingering !== null) await waitOrAbandon(deps, lingering, about)
  return next
}

/** Members of the log lines about the end of an attempt. */
interface AboutAttempt {
  job_id: string
  type: string
  attempt: number
  ms: number
}

/** Settles a job whose end is in the log already: this attempt has nothing to add. */
function giveUp(deps: WorkerDeps, run: JobRun, about: AboutAttempt): void {
  deps.metrics.attempts.inc({ type: about.type, outcome: 'cancelled' })
  deps.attempts.end(about.job_id, 'cancelled', null)
  endAttemptSpan(run.span, 'cancelled')
  deps.log.info(about, 'job cancelled on request')
  deps.puller.ack(run.delivery)
}

const LATE_START_MS = 1_000

async function publishOutcome(
  deps: WorkerDeps,
  run: JobRun,
  attempt: StartedAttempt,
  wanted: Outcome,
  about: AboutAttempt,
): Promise<StartedAttempt | null> {
  const { spec, delivery } = run
  const { result, outcome } = await publishOrFail(deps, run, attempt, wanted)
  if (result.kind !== 'stored') {
    await discard(deps, run, { ...about, outcome: labelOf(outcome) })
    return null
  }
  const label = labelOf(outcome)
  deps.metrics.attempts.inc({ type: spec.type, outcome: label })
  deps.metrics.runSeconds.observe({ type: spec.type }, about.ms / 1000)
  const { event } = outcome
  const error = 'error' in event ? event.error : undefined
  deps.attempts.end(spec.job_id, outcome.outcome, error ?? null)
  endAttemptSpan(run.span, label, error?.name)
  // Without the error's message: it may contain a target's answer or a user's text.
  const why = error === undefined ? {} : { error: error.name, code: error.code }
  deps.log.info({ ...about, outcome: label, ...why }, 'attempt ended')
  if (outcome.then === 'again') {
    return { attempt: attempt.attempt + 1, crashes: attempt.crashes + 1, isolated: true, seq: result.seq }
  }
  if (outcome.then === 'nak') deps.puller.nak(delivery)
  else deps.puller.ack(delivery)
  return null
}

/**
 * Publishes the outcome. One that the broker can never take would keep its job forever: the job fails instead, with an
 * error that says so.
 */
async function publishOrFail(
  deps: WorkerDeps,
  run: JobRun,
  attempt: StartedAttempt,
  outcome: Outcome,
): Promise<{ result: Appended; outcome: Outcome }> {
  try {
    return { result: await run.publish(outcome.event), outcome }
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'payload-too-large')) throw error
    const failed = tooLargeOutcome(deps, attempt, error.message)
    return { result: await run.publish(failed.event), outcome: failed }
  }
}

/** Discards what an attempt did whose events the log refuses. */
async function discard(deps: WorkerDeps, run: JobRun, about: AboutAttempt & { outcome?: string }): Promise<void> {
  deps.metrics.refused.inc()
  deps.attempts.end(run.spec.job_id, 'superseded', null)
  endAttemptSpan(run.span, 'superseded')
  await settleRefused(deps, run)
  deps.log.warn(about, 'attempt superseded, outcome discarded')
}

/**
 * Settles a refused event. After a terminal event: ack. Otherwise neither ack nor nak: a superseded worker's ack
 * would make the job immortal.
 */
async function settleRefused(deps: WorkerDeps, run: JobRun): Promise<void> {
  try {
    const last = await deps.history.last(run.spec)
    if (last === null || isTerminalEvent(last.event)) deps.puller.ack(run.delivery)
  } catch (error) {
    deps.log.debug({ err: error, job_id: run.spec.job_id }, 'could not read what superseded this attempt')
  }
}

/** The word for an outcome in metrics and the log, where a timeout is told from what it did to the job. */
const labelOf = ({ outcome, isTimeout }: Outcome): string => (isTimeout === true ? 'timeout' : outcome)

/** Waits for a handler that ignores its signal and still uses this process: its slot stays taken for a while. */
async function waitOrAbandon(deps: WorkerDeps, handled: Promise<unknown>, about: AboutAttempt): Promise<void> {
  const { type } = about
  deps.metrics.abandoned.inc({ type })
  const lingering = deps.attempts.linger(about)
  const left = handled.then(() => {
    deps.metrics.abandoned.dec({ type })
    lingering.end()
    return true
  })
  const warning = setTimeout(
    () => deps.log.warn(about, 'the handler was told to stop and still runs: it keeps its slot'),
    IGNORED_AFTER_MS,
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ABANDON_AFTER_MS, false)
  })
  const hasLeft = await Promise.race([left, late])
  clearTimeout(warning)
  clearTimeout(timer)
  if (hasLeft) return
  lingering.freeSlot()
  deps.log.warn(about, 'handler abandoned: it ignores its signal and still runs, but its slot is free again')
}

const waitSeconds = (deps: WorkerDeps, createdAt: string): number =>
  Math.max(0, deps.clock.now() - Date.parse(createdAt)) / 1000
