import type { TypeView } from '#shared/contracts/http/types.ts'
import type { Why } from '#shared/contracts/http/why.ts'
import { type Job, statusOf } from '#shared/contracts/log/job.ts'
import { isoTime, SECOND } from '#shared/time/clock.ts'
import { adviceFor, becauseOf } from './advise.ts'

/** Facts about a job that waits for a worker. */
export interface WaitFacts {
  /** null: the type has no lanes any more. */
  type: TypeView | null
  hasLiveWorker: boolean
  /** Types of handlers that hold a slot although they were told to stop; empty while a worker of the type has room. */
  abandonedTypes: string[]
  /** Number of jobs that are taken before it. */
  ahead: number
  /** Jobs of the type that workers took in the last minute, per second. */
  ratePerS: number
}

type Reason = Why['reasons'][number]

/** @param facts null unless the job waits */
export function explain(job: Job, facts: WaitFacts | null, nowMs: number): Why {
  const isWaiting = job.phase === 'waiting' && facts !== null
  const reasons = isWaiting ? waitReasons(job, facts) : [reasonOf(job)]
  const about = {
    job_id: job.job_id,
    type: job.type,
    status: statusOf(job.phase),
    round: job.round,
    reasons,
    error: job.error ?? (job.phase === 'retrying' ? (job.attempts.at(-1)?.error ?? null) : null),
    reason: job.reason,
    next: adviceFor(
      job,
      reasons.map(({ code }) => code),
    ),
    attempts: job.attempts,
    due_at: job.due_at,
  }
  if (!isWaiting) return { ...about, position: null, estimated_start_at: null }
  const isStuck = reasons.some(({ code }) => code === 'paused' || code === 'no_live_worker')
  const canEstimate = !isStuck && facts.ratePerS > 0
  return {
    ...about,
    position: facts.ahead,
    estimated_start_at: canEstimate ? isoTime(nowMs + ((facts.ahead + 1) / facts.ratePerS) * SECOND) : null,
  }
}

function reasonOf(job: Job): Reason {
  const attempt = job.attempts.at(-1)
  switch (job.phase) {
    case 'scheduled':
      return { code: 'delayed', detail: `It is scheduled to start at ${job.due_at ?? 'an unknown time'}.` }
    case 'retrying':
      return {
        code: 'waiting_for_retry',
        detail: `Attempt ${attempt?.attempt ?? 0} failed (${attempt?.error?.message ?? 'no message'}); the next attempt is due at ${job.due_at ?? 'an unknown time'}.`,
      }
    case 'running':
      return {
        code: 'running',
        detail: `Attempt ${attempt?.attempt ?? 0} has been running on ${attempt?.worker_id ?? 'a worker'} since ${attempt?.started_at ?? 'just now'}.`,
      }
    case 'waiting':
      return { code: 'next', detail: 'It is waiting for a worker.' }
    case 'finished':
    case 'cancelled':
    case 'failed':
      return { code: 'ended', detail: `${ENDED[job.phase]} at ${job.finished_at ?? job.updated_at}${becauseOf(job)}.` }
  }
}

const ENDED = { finished: 'It finished', cancelled: 'It was cancelled', failed: 'It failed' }

function waitReasons(job: Job, { type, hasLiveWorker, abandonedTypes, ahead }: WaitFacts): Reason[] {
  const reasons: Reason[] = []
  if (type?.paused === true) reasons.push({ code: 'paused', detail: `Its type, ${job.type}, is paused.` })
  if (!hasLiveWorker) {
    reasons.push({ code: 'no_live_worker', detail: `No live worker runs jobs of type ${job.type}.` })
  }
  const limit = type?.concurrency ?? null
  if (limit !== null && (type?.running ?? 0) >= limit) {
    reasons.push({ code: 'at_concurrency_limit', detail: `Its type is at its concurrency limit (${limit}).` })
  }
  if (abandonedTypes.length > 0) {
    const count = abandonedTypes.length
    const names = [...new Set(abandonedTypes)].toSorted().join(', ')
    reasons.push({
      code: 'slots_held_by_abandoned_handlers',
      detail: `No worker has room: ${count} ${count === 1 ? 'slot is' : 'slots are'} held by handlers that ignore that they were told to stop (of type ${names}). Each slot is given away 10 s after that.`,
    })
  }
  if (ahead > 0) reasons.push({ code: 'behind', detail: `Jobs of its type ahead of it: ${ahead}.` })
  if (reasons.length === 0) reasons.push({ code: 'next', detail: 'It starts as soon as a worker has a free slot.' })
  return reasons
}
