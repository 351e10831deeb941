import { EXTRAS_MAX_BYTES } from '#shared/contracts/http/requests.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import type { TaskAddress } from '#shared/ids/task-address.ts'
import { appendEvent } from './events.ts'
import { isObject, mergePatch } from './merge-patch.ts'
import { isRunning, type Json, type RequestRecord, type Task, type TaskAttempt } from './record.ts'
import { keepResult } from './results.ts'

/** The end of a task's job. */
export interface TaskEnd {
  status: 'completed' | 'failure' | 'cancelled'
  attempts: TaskAttempt[]
  /** Result of a completed job; its member `extras` is merged into the request's. */
  result: unknown
  /** The result was too large to be kept here: it is at the job. */
  result_omitted?: true
  error: JobError | null
  at: string
}

/** @returns false when the end does not concern the request in its current state */
export function endTask(draft: RequestRecord, address: TaskAddress, taskEnd: TaskEnd, at: string): boolean {
  const task = findTask(draft, address)
  if (task === undefined || task.round !== address.round || !isRunning(task)) return false
  const { status, attempts, result, result_omitted: isOmitted, error } = taskEnd
  // The history of the request's earlier rounds stays. Each round has a job of its own, which counts from 1 again.
  task.attempts = [...task.attempts, ...attempts.map((attempt) => ({ ...attempt, round: task.round }))]
  draft.ends++
  Object.assign(task, { status, error, ended_at: taskEnd.at, end: draft.ends })
  keepResult(draft, task, result)
  if (isOmitted) task.result_omitted = true
  delete task.cancelling
  if (status === 'completed' && address.step !== null && isObject(result) && isObject(result['extras'])) {
    const isSmall = mergeExtras(draft, { step: address.step, task }, result['extras'], at)
    if (!isSmall) {
      const message = `The request's extras would exceed ${EXTRAS_MAX_BYTES} bytes.`
      Object.assign(task, { status: 'failure', error: { name: 'ExtrasTooLarge', message, code: 'extras-too-large' } })
    }
  }
  return true
}

function findTask(draft: RequestRecord, { step, undo_step: undoStep, key }: TaskAddress): Task | undefined {
  if (step === null) return draft.undo?.find((task) => task.step === undoStep && task.key === key)
  return draft.steps[step]?.tasks.find((task) => task.key === key)
}

/** Merges extras in the order in which jobs end; the history tells when two jobs of a step write the same member. */
export function mergeExtras(
  draft: RequestRecord,
  by: { step: number; task: Task } | null,
  patch: Json,
  at: string,
): boolean {
  const merged = mergePatch(draft.extras, patch) as Json
  if (Buffer.byteLength(JSON.stringify(merged)) > EXTRAS_MAX_BYTES) return false
  draft.extras = merged
  const members = Object.keys(patch)
  if (members.length === 0) return true
  const step = by === null ? undefined : draft.steps[by.step]
  const about = by === null ? {} : { step: draft.plan[by.step]?.name ?? '', job: by.task.key }
  const contested = step === undefined ? [] : members.filter((name) => Object.hasOwn(step.writers, name))
  if (contested.length > 0) appendEvent(draft, at, { event: 'request:extras-conflict', ...about, members: contested })
  if (step !== undefined && by !== null) for (const name of members) step.writers[name] = by.task.key
  appendEvent(draft, at, { event: 'request:extras-updated', ...about, members })
  return true
}
