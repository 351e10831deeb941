import type { PlanStep } from '#shared/contracts/http/requests.ts'
import { isoTime } from '#shared/time/clock.ts'
import { appendEvent, end } from './events.ts'
import { isRunning, type RequestRecord, type Step } from './record.ts'
import { tasksOf } from './tasks-of.ts'
import { undoNext, undoTasks } from './undo.ts'
import { holds } from './values.ts'

/** Advances the request until it has to wait for something. @returns whether anything changed */
export function advance(draft: RequestRecord, at: string, nowMs: number): boolean {
  let changed = false
  while (draft.status === 'inprogress' && moveOn(draft, at, nowMs)) changed = true
  return changed
}

function moveOn(draft: RequestRecord, at: string, nowMs: number): boolean {
  if (draft.undo !== null) return undoNext(draft, draft.undo, at)
  const [step, plan] = [draft.steps[draft.at_step], draft.plan[draft.at_step]]
  if (step === undefined || plan === undefined) throw new Error(`request ${draft.request_id} has no such step`)
  switch (step.status) {
    case 'new':
      openStep(draft, step, plan, at, nowMs)
      return true
    case 'inprogress':
      return closeStep(draft, step, plan, at, nowMs)
    case 'failed':
      draft.undo = undoTasks(draft)
      appendEvent(draft, at, { event: 'request:undoing' })
      return true
    case 'completed':
    case 'skipped':
    case 'cancelled':
      if (draft.at_step < draft.plan.length - 1) draft.at_step++
      else end(draft, 'completed', at, null)
      return true
  }
}

function openStep(draft: RequestRecord, step: Step, plan: PlanStep, at: string, nowMs: number): void {
  if (!holds(draft, plan.if)) {
    Object.assign(step, { status: 'skipped', ended_at: at })
    return
  }
  Object.assign(step, { status: 'inprogress', started_at: at, extras_in: draft.extras })
  if (plan.sleep_ms !== undefined) step.wake_at = isoTime(nowMs + plan.sleep_ms)
  if (plan.sleep_until !== undefined) step.wake_at = isoTime(Date.parse(plan.sleep_until))
  step.tasks = (plan.jobs ?? []).flatMap((job, n) => tasksOf(draft, job, n))
  appendEvent(draft, at, { event: 'request:step-started', step: plan.name })
}

/** @returns whether the step, or a task of it, advanced */
function closeStep(draft: RequestRecord, step: Step, plan: PlanStep, at: string, nowMs: number): boolean {
  if (plan.signal !== undefined && !draft.signals.includes(plan.signal)) return false
  if (step.wake_at !== null && nowMs < Date.parse(step.wake_at)) return false
  const failed = step.tasks.find(({ status }) => status === 'failure' || status === 'cancelled')
  if (failed === undefined) {
    if (startReady(draft, step, plan)) return true
    if (step.tasks.some(isRunning)) return false
    Object.assign(step, { status: 'completed', ended_at: at, extras: draft.extras })
    appendEvent(draft, at, { event: 'request:step-ended', step: plan.name })
    return true
  }
  let changed = false
  if (plan.on_failure === 'cancel') {
    for (const task of step.tasks) {
      if (!isRunning(task) || task.cancelling) continue
      task.cancelling = true
      changed = true
    }
  }
  if (step.tasks.some(isRunning)) return changed
  Object.assign(step, { status: 'failed', ended_at: at, extras: draft.extras })
  draft.error = failed.error ?? { name: 'Cancelled', message: `The job ${failed.key} was cancelled.` }
  appendEvent(draft, at, { event: 'request:step-ended', step: plan.name, job: failed.key })
  return true
}

/** @returns whether any task was started */
function startReady(draft: RequestRecord, step: Step, plan: PlanStep): boolean {
  const isDone = (name: string) =>
    step.tasks
      .filter((task) => plan.jobs?.[task.job]?.name === name)
      .every(({ status }) => status === 'completed' || status === 'skipped')
  const ready = step.tasks.filter((task) => task.status === 'new' && (plan.jobs?.[task.job]?.needs ?? []).every(isDone))
  // Null after a retry that runs earlier steps again.
  step.extras_in ??= draft.extras
  for (const task of ready) {
    Object.assign(task, { status: 'inprogress', round: draft.round })
    const waited = (plan.jobs?.[task.job]?.needs ?? []).length > 0
    if (waited && task.extras_in === undefined) task.extras_in = draft.extras
  }
  return ready.length > 0
}
