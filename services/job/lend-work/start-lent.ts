import { decide, HAND_BACK_MS } from '#shared/contracts/log/decide.ts'
import { attemptToStart } from '#shared/contracts/log/events.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { askHolder } from '../lease/ask-holder.ts'
import type { JobRun } from '../run/job-run.ts'
import { fail, readLastEvent, whyFailed } from '../run/start-attempt.ts'
import type { LendDeps } from './lend-deps.ts'
import { isRunning, LentAttempt, lentAttemptOf, lentMember, newLease } from './lent-attempt.ts'

export type StartOfLent =
  /** The attempt is the worker's. */
  | { kind: 'lent'; attempt: LentAttempt; secret: string }
  /** Another process lent it, and its lease lives: this one keeps the delivery from now on. */
  | { kind: 'vouched'; attempt: LentAttempt }
  /** Its time is up, whoever has it. */
  | { kind: 'overdue'; attempt: LentAttempt }
  /** There is nothing to run, and the delivery is settled. */
  | { kind: 'nothing' }

/**
 * Publishes `job:started` with the worker's lease, compare-and-set on the sequence that the trigger names. If that is
 * refused, reads the job's last event and follows `decide`.
 */
export async function startLent(
  deps: LendDeps,
  run: JobRun,
  { workerId, leaseMs }: { workerId: string; leaseMs: number },
): Promise<StartOfLent> {
  const { delivery, spec } = run
  const maxCrashes = deps.policyOf(spec.type).max_crashes
  const first = { after: run.after, attempt: attemptToStart(spec), crashes: spec.crashes }
  for (let next = first; ; ) {
    const [nonce, secret] = [newNonce(), newNonce()]
    const lease = newLease(secret, deps.clock.now(), leaseMs, spec.timeout_ms)
    const about = { attempt: next.attempt, crashes: next.crashes, isolated: false }
    const result = await run.publish(
      { event: 'job:started', ...about, trigger: delivery.seq, worker_id: workerId, lent: lentMember(lease) },
      nonce,
      next.after,
    )
    const lent = (seq: number): StartOfLent => {
      const attempt = { ...about, seq }
      const startedMs = deps.clock.monotonic()
      return { kind: 'lent', attempt: new LentAttempt({ run, attempt, workerId, startedMs, lease }), secret }
    }
    if (result.kind === 'stored') return lent(result.seq)
    const trigger = { seq: delivery.seq, nonce, deliveries: delivery.deliveries, maxCrashes, ...first }
    const last = await readLastEvent(deps, run)
    const now = deps.clock.now()
    let decision = decide(trigger, last, now)
    if (decision.do === 'ask') {
      const isAlive = await askHolder(deps.broker, deps.clock, decision.worker_id, spec.job_id)
      decision = decide(trigger, last, now, isAlive)
    }
    switch (decision.do) {
      case 'run':
        run.continueAfter(decision.startedSeq)
        return lent(decision.startedSeq)
      case 'start':
        next = decision
        continue
      case 'vouch':
      case 'timeout':
        return (await adopt(deps, run, decision.do)) ?? { kind: 'nothing' }
      case 'ack':
        deps.puller.ack(delivery)
        return { kind: 'nothing' }
      case 'hand-back':
        deps.puller.nak(delivery, HAND_BACK_MS)
        return { kind: 'nothing' }
      case 'drop':
      case 'ask':
        deps.metrics.dropped.inc()
        return { kind: 'nothing' }
      case 'crashed':
      case 'unreadable':
        await fail(deps, run, { after: decision.after, ...whyFailed(decision, spec) })
        return { kind: 'nothing' }
    }
  }
}

/** Takes over the attempt that the log has; null when the job went on in the meantime, and is looked at again later. */
async function adopt(deps: LendDeps, run: JobRun, why: 'vouch' | 'timeout'): Promise<StartOfLent | null> {
  const attempt = await lentAttemptInLog(deps, run)
  if (attempt === null) {
    deps.puller.nak(run.delivery)
    return null
  }
  return { kind: why === 'vouch' ? 'vouched' : 'overdue', attempt }
}

/** The attempt that runs now as the log has it; null where none runs that was lent. */
async function lentAttemptInLog(deps: LendDeps, run: JobRun): Promise<LentAttempt | null> {
  const last = await deps.history.lastWhole(run.spec)
  const event = last?.event ?? null
  if (last === null || !isRunning(event) || event.trigger !== run.delivery.seq) return null
  return lentAttemptOf(deps.clock, run, event, last.about.seq)
}
