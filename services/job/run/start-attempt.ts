import { type Decision, decide, HAND_BACK_MS, type LastEvent, type Trigger } from '#shared/contracts/log/decide.ts'
import { attemptToStart, type TriggerEvent } from '#shared/contracts/log/events.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { sleep } from '#shared/time/clock.ts'
import type { Place } from '../isolate/isolation.ts'
import { askHolder } from '../lease/ask-holder.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { recordLostAttempt } from './attempt-span.ts'
import type { JobRun } from './job-run.ts'

export interface StartedAttempt {
  attempt: number
  crashes: number
  /** Whether the attempt runs in a child process, because the job has killed a worker before. */
  isolated: boolean
  /** The fencing token: the stream sequence of `job:started`, or of the trigger where it is held back. */
  seq: number
}

/**
 * Publishes `job:started` with compare-and-set on the sequence that the trigger names. If that is refused, reads the
 * job's last event and follows `decide`, until the attempt is this worker's or does not concern it.
 * @returns null when there is nothing to run; the delivery is then settled
 */
export async function startAttempt(deps: WorkerDeps, run: JobRun): Promise<StartedAttempt | null> {
  const { delivery, spec } = run
  let next = { after: run.after, attempt: attemptToStart(spec), crashes: spec.crashes }
  for (;;) {
    const where = await chooseWhere(deps, run, next.crashes)
    if (where === 'nowhere') {
      await withoutPlace(deps, run, next)
      return null
    }
    const isolated = where === 'child'
    const nonce = newNonce()
    const event = {
      event: 'job:started',
      attempt: next.attempt,
      crashes: next.crashes,
      isolated,
      trigger: delivery.seq,
      worker_id: deps.workerId,
    } as const
    const result = await run.publish(event, nonce, next.after)
    if (result.kind === 'stored') return { attempt: next.attempt, crashes: next.crashes, isolated, seq: result.seq }
    const trigger: Trigger = {
      seq: delivery.seq,
      nonce,
      after: run.after,
      attempt: attemptToStart(spec),
      crashes: spec.crashes,
      deliveries: delivery.deliveries,
      maxCrashes: deps.policyOf(spec.type).max_crashes,
    }
    const decision = await decideWithHolder(deps, run, trigger)
    switch (decision.do) {
      case 'run':
        return { attempt: next.attempt, crashes: next.crashes, isolated, seq: decision.startedSeq }
      case 'start':
        next = decision
        break
      case 'ack':
        deps.puller.ack(delivery)
        return null
      // The type was run by HTTP workers before, and one of them still has the job.
      case 'vouch':
      case 'hand-back':
        deps.puller.nak(delivery, HAND_BACK_MS)
        return null
      case 'drop':
        deps.metrics.dropped.inc()
        return null
      case 'timeout':
      case 'crashed':
      case 'unreadable':
        await fail(deps, run, { after: decision.after, ...whyFailed(decision, spec) })
        return null
      case 'ask':
        throw new Error('the holder was asked already')
    }
  }
}

/** The reason and the error of a job that fails before another attempt. */
export function whyFailed(
  decision: Extract<Decision, { do: 'timeout' | 'crashed' | 'unreadable' }>,
  { timeout_ms }: Pick<TriggerEvent, 'timeout_ms'>,
): Pick<Failure, 'reason' | 'error'> {
  switch (decision.do) {
    case 'timeout': {
      const message = `the attempt took longer than ${timeout_ms} ms`
      return { reason: 'timeout', error: { name: 'Timeout', message } }
    }
    case 'crashed': {
      const message = `${decision.crashes} workers died while they ran this job`
      return { reason: 'crashed', error: { name: 'Crashed', message } }
    }
    case 'unreadable': {
      const message = `message ${decision.after} of the log, what happened last to this job, cannot be read`
      return { reason: 'unreadable', error: { name: 'Unreadable', message } }
    }
  }
}

/**
 * Chooses where an attempt runs: a job that has killed a worker runs in a child of its own. After the first death this
 * is a precaution for all jobs that the worker held, taken where there is room and a child starts: a dead worker's jobs
 * must not queue behind each other. After the second death the job itself is known to be the cause.
 */
async function chooseWhere(deps: WorkerDeps, run: JobRun, crashes: number) {
  const isCertain = crashes > 1
  if (!isCertain && (crashes === 0 || (run.place === null && !deps.isolation.hasRoom))) return 'here'
  run.place ??= await takePlace(deps, run)
  if (run.place !== null) return 'child'
  return isCertain || run.hold.isAsked ? 'nowhere' : 'here'
}

/** @returns null when the job had to be let go before there was room, or no child starts */
async function takePlace(deps: WorkerDeps, run: JobRun): Promise<Place | null> {
  const reserving = deps.isolation.reserve().catch((error: unknown) => {
    deps.log.error(
      { err: error, job_id: run.spec.job_id },
      'could not start a child process for a job that has killed a worker',
    )
    return null
  })
  const place = await Promise.race([reserving, run.hold.letGo.then(() => null)])
  if (place === null) void reserving.then((late) => late?.leave())
  return place
}

/** With HAND_BACK_MS between the tries five minutes, in which somebody may fix what keeps a child from starting. */
const CHILD_STARTS_MAX = 60

async function withoutPlace(
  deps: WorkerDeps,
  run: JobRun,
  { after, crashes }: { after: number; crashes: number },
): Promise<void> {
  const { delivery, hold } = run
  if (hold.isAsked) deps.puller.nak(delivery)
  else if (delivery.deliveries <= CHILD_STARTS_MAX) deps.puller.nak(delivery, HAND_BACK_MS)
  else {
    const message = `${crashes} workers died while they ran this job, and no process of its own can be started for it`
    await fail(deps, run, { after, reason: 'crashed', error: { name: 'Crashed', message } })
  }
}

async function decideWithHolder(deps: WorkerDeps, run: JobRun, trigger: Trigger): Promise<Decision> {
  const last = await readLastEvent(deps, run)
  const decision = decide(trigger, last, deps.clock.now())
  if (decision.do !== 'ask') return decision
  // This worker started the job itself, and no longer runs it: a delivery of a job that runs here never gets this far.
  // So the earlier run ended without an outcome. If the worker asked itself, the very delivery that asks would answer
  // yes, forever.
  const alive =
    decision.worker_id !== deps.workerId &&
    (await askHolder(deps.broker, deps.clock, decision.worker_id, run.spec.job_id))
  if (!alive) traceLost(deps, run, last)
  return decide(trigger, last, deps.clock.now(), alive)
}

/** The span of an attempt whose worker died: this one is the first to know. */
function traceLost({ tracing, traceJobs, clock }: WorkerDeps, run: JobRun, last: LastEvent | null): void {
  if (tracing === null || last?.attempt === undefined || last.worker_id === undefined || last.at === undefined) return
  const { attempt, worker_id: workerId, seq: fencingToken } = last
  const sentIn = tracing.parentFrom(run.traceparent)
  const about = { spec: run.spec, sentIn, placement: traceJobs, attempt, fencingToken, workerId }
  recordLostAttempt(tracing, about, Date.parse(last.at), clock.now())
}

/**
 * Reads the job's last event, again and again while the broker is away: the lease thread keeps the delivery in the
 * meantime.
 */
export async function readLastEvent(deps: Pick<WorkerDeps, 'history' | 'log'>, run: JobRun) {
  for (;;) {
    try {
      return await deps.history.last(run.spec)
    } catch (error) {
      deps.log.debug({ err: error, job_id: run.spec.job_id }, 'could not read the log, will retry')
      await sleep(READ_AGAIN_MS)
    }
  }
}

const READ_AGAIN_MS = 250

interface Failure {
  /** Sequence at which the job's history must end. */
  after: number
  reason: string
  error: { name: string; message: string }
}

export async function fail(
  deps: Pick<WorkerDeps, 'puller' | 'log'>,
  run: JobRun,
  { after, reason, error }: Failure,
): Promise<void> {
  const result = await run.publish({ event: 'job:failed', reason, error }, newNonce(), after)
  // Refused: somebody else was first; the redelivery after the lease shows the result.
  if (result.kind !== 'stored') return
  deps.puller.ack(run.delivery)
  deps.log.warn({ ...jobInLog(run.spec), reason }, 'job failed before another attempt')
}
