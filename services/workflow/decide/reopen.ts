import { appendEvent } from './events.ts'
import type { RequestRecord, Task, UndoTask } from './record.ts'
import { dropResult } from './results.ts'
import { tasksOf } from './tasks-of.ts'
import { traceOf } from './trace-of.ts'

/**
 * Number of undo tasks of earlier rounds that are kept: a request that is retried endlessly must not grow endlessly.
 */
const UNDONE_MAX = 200

/**
 * Reopens the request at the failed step, and keeps what is done: only tasks that did not complete, or were undone, run
 * again.
 */
export function reopen(draft: RequestRecord, at: string, traceparent: string | null): void {
  const before = traceOf(draft, 'request')
  delete draft.trace
  if (traceparent !== null) draft.trace = { parent: traceparent, ...(before === null ? {} : { before }) }
  Object.assign(draft, { status: 'inprogress', round: draft.round + 1, finished_at: null, error: null })
  const undo = draft.undo ?? []
  for (const { step, key, status } of undo) {
    const task = draft.steps[step]?.tasks.find((other) => other.key === key)
    if (task !== undefined && status === 'completed') renew(draft, task)
  }
  shelve(draft, undo)
  const reopened: number[] = []
  for (const [n, step] of draft.steps.entries()) {
    for (const task of step.tasks) {
      if (task.status === 'failure' || task.status === 'cancelled') renew(draft, task)
    }
    const { jobs = [] } = draft.plan[n] ?? {}
    // A foreach that had no list may have one now.
    step.tasks = step.tasks.flatMap((task) => {
      const job = jobs[task.job]
      return task.status === 'new' && job?.foreach !== undefined && task.key === job.name
        ? tasksOf(draft, job, task.job)
        : [task]
    })
    const isOpen = step.status === 'failed' || step.status === 'cancelled'
    if (!isOpen && !step.tasks.some(({ status }) => status === 'new')) continue
    Object.assign(step, { status: 'inprogress', ended_at: null, writers: {} })
    // Earlier steps run anew: this one begins with the extras that they leave.
    if (reopened.length > 0) step.extras_in = null
    reopened.push(n)
  }
  draft.at_step = Math.min(draft.at_step, ...reopened)
  appendEvent(draft, at, { event: 'request:retried' })
}

/** Makes a task run again under the same name; its attempts stay. */
function renew(draft: RequestRecord, task: Task): void {
  dropResult(draft, task)
  Object.assign(task, { status: 'new', error: null, ended_at: null })
  delete task.extras_in
}

/** Keeps the attempts of undo tasks, but not their values. */
function shelve(draft: RequestRecord, undo: UndoTask[]): void {
  const ran = undo.filter(({ ended_at: endedAt }) => endedAt !== null)
  for (const task of ran) {
    dropResult(draft, task)
    delete task.item
    task.undoes = null
  }
  draft.undone = [...draft.undone, ...ran].slice(-UNDONE_MAX)
  draft.undo = null
}
