import { EXTRAS_MAX_BYTES, type PlanStep } from '#shared/contracts/http/requests.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import type { TaskAddress } from '#shared/ids/task-address.ts'
import { isoTime } from '#shared/time/clock.ts'
import { end, note } from './events.ts'
import { isObject, mergePatch } from './merge-patch.ts'
import {
  allTasks,
  isEnded,
  isRunning,
  type Json,
  type RequestRecord,
  type Step,
  type Task,
  type TaskAttempt,
} from './record.ts'
import { reopen } from './reopen.ts'
import { keepResult } from './results.ts'
import { tasksOf } from './tasks-of.ts'
import { undoNext, undoTasks } from './undo.ts'
import { holds } from './values.ts'

/** How a task's job ended. */
export interface TaskEnd {
  status: 'completed' | 'failure' | 'cancelled'
  attempts: TaskAttempt[]
  /** Of a completed one; its member `extras` is merged into the request's. */
  result: unknown
  /** There was one, and no room for it here: it is at the job. */
  result_omitted?: true
  error: JobError | null
  at: string
}

/** What callers ask for. */
export type Wish =
  | { kind: 'signal'; name: string; extras: Json }
  | { kind: 'cancel'; reason: string }
  | { kind: 'retry' }

export type Input =
  /** @param asked id of the HTTP request, where a repeat of it has the same; null: it is not to be recognised */
  | (Wish & { asked: string | null })
  | { kind: 'pick-up' }
  | { kind: 'task-ended'; task: TaskAddress; end: TaskEnd }
  /** It cannot be stored as it would be. Before the ends that made it so, which then begin nothing more. */
  | { kind: 'too-large' }
  /** What becomes of it cannot be told: a fault of ours, which trying again would only repeat. */
  | { kind: 'broken'; message: string }
  /** Time has passed: a sleeping step may go on. */
  | { kind: 'time' }

/** So many events are kept: a request that is retried without end must not grow without end. */
const EVENTS_MAX = 1_000
/** Repeats come within seconds. */
const ASKED_MAX = 20

/**
 * What becomes of a request. Pure, and harmless to repeat: an input that was applied already changes nothing.
 * @param inputs in their order
 * @param mayGoOn false: what follows from the end of a job waits for the next `time`
 * @returns the very same record when nothing changes
 */
export function decide(record: RequestRecord, inputs: Input | Input[], nowMs: number, mayGoOn = true): RequestRecord {
  const draft = structuredClone(record)
  const at = isoTime(nowMs)
  let changed = false
  for (const input of [inputs].flat()) {
    const isTime = input.kind === 'time'
    const asked = 'asked' in input ? input.asked : null
    // Within the compare-and-set: a repeat may have been let in beside its first try.
    if (asked !== null && draft.asked.includes(asked)) continue
    if (!isTime && !apply(draft, input, at)) continue
    if (asked !== null) draft.asked = [...draft.asked, asked].slice(-ASKED_MAX)
    const wentOn = (mayGoOn || input.kind !== 'task-ended') && advance(draft, at, nowMs)
    changed ||= !isTime || wentOn
  }
  if (!changed) return record
  draft.updated_at = at
  draft.events = draft.events.slice(-EVENTS_MAX)
  return draft
}

/** @returns false when the input does not concern the request as it is */
function apply(draft: RequestRecord, input: Input, at: string): boolean {
  switch (input.kind) {
    case 'pick-up':
      if (draft.status !== 'queuing') return false
      draft.status = 'inprogress'
      return true
    case 'task-ended':
      return endTask(draft, input.task, input.end, at)
    case 'signal':
      if (isEnded(draft) || draft.signals.includes(input.name)) return false
      // A name that no step waits for is a slip; extras that do not fit are refused with it.
      if (!draft.plan.some(({ signal }) => signal === input.name)) return false
      if (!mergeExtras(draft, null, input.extras, at)) return false
      draft.signals.push(input.name)
      note(draft, at, { event: 'request:signalled', job: input.name })
      return true
    case 'cancel':
      if (isEnded(draft)) return false
      stopRunning(draft, at)
      end(draft, 'cancelled', at, { name: 'Cancelled', message: input.reason })
      return true
    case 'too-large':
      if (isEnded(draft)) return false
      stopRunning(draft, at)
      end(draft, 'failed', at, { name: 'RequestTooLarge', message: TOO_LARGE, code: 'request-too-large' })
      return true
    case 'broken': {
      if (isEnded(draft)) return false
      stopRunning(draft, at)
      const message = `Hasty could not continue this request: ${input.message}`
      end(draft, 'failed', at, { name: 'RequestBroken', message, code: 'request-broken' })
      return true
    }
    case 'retry':
      if (draft.status !== 'failed' && draft.status !== 'cancelled') return false
      // What a cancel has not ended yet would run on beside its successor.
      if (allTasks(draft).some(isRunning)) return false
      reopen(draft, at)
      return true
    case 'time':
      return false
  }
}

const TOO_LARGE = "Its params, extras, results and attempts would exceed the broker's message limit."

/** Nothing more begins, and what runs is to be cancelled. */
function stopRunning(draft: RequestRecord, at: string): void {
  for (const task of allTasks(draft)) if (isRunning(task)) task.cancelling = true
  for (const step of draft.steps) {
    if (step.status === 'inprogress') Object.assign(step, { status: 'cancelled', ended_at: at })
  }
  for (const task of draft.undo ?? []) if (task.status === 'new') task.status = 'skipped'
}

/** Goes on for as long as nothing has to be waited for. @returns whether anything changed */
function advance(draft: RequestRecord, at: string, nowMs: number): boolean {
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
      note(draft, at, { event: 'request:undoing' })
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
  note(draft, at, { event: 'request:step-started', step: plan.name })
}

/** @returns whether the step, or a task of it, went on */
function closeStep(draft: RequestRecord, step: Step, plan: PlanStep, at: string, nowMs: number): boolean {
  if (plan.signal !== undefined && !draft.signals.includes(plan.signal)) return false
  if (step.wake_at !== null && nowMs < Date.parse(step.wake_at)) return false
  const failed = step.tasks.find(({ status }) => status === 'failure' || status === 'cancelled')
  if (failed === undefined) {
    if (startReady(draft, step, plan)) return true
    if (step.tasks.some(isRunning)) return false
    Object.assign(step, { status: 'completed', ended_at: at, extras: draft.extras })
    note(draft, at, { event: 'request:step-ended', step: plan.name })
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
  note(draft, at, { event: 'request:step-ended', step: plan.name, job: failed.key })
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

function endTask(draft: RequestRecord, address: TaskAddress, taskEnd: TaskEnd, at: string): boolean {
  const task = findTask(draft, address)
  if (task === undefined || task.round !== address.round || !isRunning(task)) return false
  const { status, attempts, result, result_omitted: isOmitted, error } = taskEnd
  // Of an earlier round of the request the history stays.
  task.attempts = [...task.attempts, ...attempts]
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

/** In the order in which jobs end; two jobs of a step that write the same member are told apart in the history. */
function mergeExtras(draft: RequestRecord, by: { step: number; task: Task } | null, patch: Json, at: string): boolean {
  const merged = mergePatch(draft.extras, patch) as Json
  if (Buffer.byteLength(JSON.stringify(merged)) > EXTRAS_MAX_BYTES) return false
  draft.extras = merged
  const members = Object.keys(patch)
  if (members.length === 0) return true
  const step = by === null ? undefined : draft.steps[by.step]
  const about = by === null ? {} : { step: draft.plan[by.step]?.name ?? '', job: by.task.key }
  const contested = step === undefined ? [] : members.filter((name) => Object.hasOwn(step.writers, name))
  if (contested.length > 0) note(draft, at, { event: 'request:extras-conflict', ...about, members: contested })
  if (step !== undefined && by !== null) for (const name of members) step.writers[name] = by.task.key
  note(draft, at, { event: 'request:extras-updated', ...about, members })
  return true
}
