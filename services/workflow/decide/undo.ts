import { end } from './events.ts'
import { isRunning, type RequestRecord, type UndoTask } from './record.ts'

/** Undo tasks for the completed tasks that can be undone, the last completed first. */
export function undoTasks(draft: RequestRecord): UndoTask[] {
  return draft.steps
    .flatMap(({ tasks }, step) => tasks.map((task) => ({ task, step })))
    .filter(
      ({ task, step }) => task.status === 'completed' && draft.plan[step]?.jobs?.[task.job]?.compensate !== undefined,
    )
    .toSorted((a, b) => b.task.end - a.task.end)
    .map(({ task, step }) => ({
      key: task.key,
      job: task.job,
      ...(task.item === undefined ? {} : { item: task.item }),
      step,
      undoes: task.result,
      status: 'new',
      round: draft.round,
      attempts: [],
      result: null,
      error: null,
      ended_at: null,
      end: 0,
    }))
}

/** Starts the next undo task, one after the other; a failing one does not keep the others from running. */
export function undoNext(draft: RequestRecord, undo: UndoTask[], at: string): boolean {
  if (undo.some(isRunning)) return false
  const next = undo.find(({ status }) => status === 'new')
  if (next === undefined) {
    end(draft, 'failed', at, draft.error)
    return true
  }
  next.status = 'inprogress'
  return true
}
