import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import type { LoggedEvent } from '#shared/contracts/log/events.ts'
import type { Attempt, Job, JobError } from '#shared/contracts/log/job.ts'
import type { TaskEnd } from '../decide/end-task.ts'
import type { TaskAttempt } from '../decide/record.ts'

/**
 * The end of a job in the terms of requests. The end alone tells everything but the attempts: for a job whose beginning
 * has left the log, only the last attempt is known.
 * @param history in order; the last event is the end
 */
export function taskEndOf(history: { seq: number; event: LoggedEvent }[]): TaskEnd {
  const end = history.at(-1)?.event
  if (end === undefined) throw new Error('a history without an end')
  let job: Job | null = null
  for (const { seq, event } of history) job = applyEvent(job, event, seq)
  const status = statusOf(end)
  const error = errorOf(end)
  return {
    status,
    attempts: job === null ? lastAttempt(end, status, error) : attemptsOf(job),
    result: end.event === 'job:finished' ? (end.result ?? null) : null,
    error: status === 'completed' ? null : (error ?? { name: 'JobEnded', message: `The job was ${reasonOf(end)}.` }),
    at: end.at,
  }
}

/**
 * The status of the task. A timeout cancels a job, which is a failure of the task. So is a result that nobody can read:
 * the next step would miss its extras.
 */
function statusOf(end: LoggedEvent): TaskEnd['status'] {
  if (end.event === 'job:finished') return errorOf(end) === null ? 'completed' : 'failure'
  return end.event === 'job:cancelled' && end.reason === 'requested' ? 'cancelled' : 'failure'
}

function errorOf(end: LoggedEvent): JobError | null {
  if (end.event === 'job:failed') return end.error
  if (end.event === 'job:finished') return end['reason'] === 'unreadable' ? (end['error'] as JobError) : null
  return end.event === 'job:cancelled' ? (end.error ?? null) : null
}

const reasonOf = (end: LoggedEvent): string =>
  end.event === 'job:cancelled' ? `cancelled: ${end.reason}` : end.event.replace('job:', '')

const lastAttempt = (end: LoggedEvent, status: TaskEnd['status'], error: TaskEnd['error']): TaskAttempt[] =>
  'attempt' in end && end.attempt !== undefined
    ? [{ attempt: end.attempt, status, started_at: startOf(end) ?? end.at, ended_at: end.at, error }]
    : []

/** When a short attempt started, which its outcome tells. */
const startOf = (end: LoggedEvent): string | undefined =>
  end.event === 'job:finished' || end.event === 'job:failed' ? end.started_at : undefined

export const attemptsOf = (job: Job): TaskAttempt[] =>
  job.attempts.map((attempt) => ({
    attempt: attempt.attempt,
    status: ATTEMPT_STATUS[attempt.outcome ?? 'running'],
    started_at: attempt.started_at,
    ended_at: attempt.ended_at,
    error: attempt.error,
  }))

const ATTEMPT_STATUS: Record<NonNullable<Attempt['outcome']> | 'running', TaskAttempt['status']> = {
  running: 'inprogress',
  finished: 'completed',
  failed: 'failure',
  cancelled: 'cancelled',
  retrying: 'retry',
  // The worker died, or handed the job back: another attempt follows.
  crashed: 'retry',
  released: 'retry',
}
