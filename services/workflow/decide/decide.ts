import type { JobError } from '#shared/contracts/job.ts'
import { EXTRAS_MAX_BYTES, type PlanJob, type PlanStep, REQUEST_MAX_JOBS } from '#shared/contracts/request.ts'
import { isoTime } from '#shared/runtime/clock.ts'
import { isObject, mergePatch } from './merge-patch.ts'
import {
  isEnded,
  isRunning,
  type Json,
  type RequestEvent,
  type RequestRecord,
  type Step,
  type Task,
  type TaskAttempt,
  type UndoTask,
} from './record.ts'
import { holds, valueAt } from './values.ts'

/** How a task's job ended. */
export interface TaskEnd {
  status: 'completed' | 'failure' | 'cancelled'
  attempts: TaskAttempt[]
  /** Of a completed one; its member `extras` is merged into the request's. */
  result: unknown
  error: JobError | null
  at: string
}

/** Which task of which request a job is, as its events say. */
export interface TaskAddress {
  /** Index of the step; null: it undoes a task of `undo_step`. */
  step: number | null
  undo_step?: number
  key: string
  round: number
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
  /** It cannot be stored as it would be. */
  | { kind: 'too-large' }
  /** Time has passed: a sleeping step may go on. */
  | { kind: 'time' }

/** So many events are kept: a request that is retried without end must not grow without end. */
const EVENTS_MAX = 1_000
const UNDONE_MAX = 1_000
/** Repeats come within seconds. */
const ASKED_MAX = 20
/** Bytes of JSON: of one job, and of all jobs of a request. */
const RESULT_MAX_BYTES = 16 * 1024
const RESULTS_MAX_BYTES = 1024 * 1024

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
    if (!isTime && !apply(draft, input, at)) continue
    if ('asked' in input && input.asked !== null) draft.asked = [...draft.asked, input.asked].slice(-ASKED_MAX)
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

const TOO_LARGE = 'The broker takes no record so large: params, extras, results and attempts together.'

/** Nothing more begins, and what runs is to be cancelled. */
function stopRunning(draft: RequestRecord, at: string): void {
  for (const task of allTasks(draft)) if (isRunning(task)) task.cancelling = true
  for (const step of draft.steps) {
    if (step.status === 'inprogress') Object.assign(step, { status: 'cancelled', ended_at: at })
  }
}

const allTasks = ({ steps, undo }: RequestRecord): Task[] => [...steps.flatMap(({ tasks }) => tasks), ...(undo ?? [])]

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

function tasksOf(draft: RequestRecord, job: PlanJob, n: number): Task[] {
  const task: Task = {
    key: job.name,
    job: n,
    status: holds(draft, job.if) ? 'new' : 'skipped',
    round: draft.round,
    attempts: [],
    result: null,
    error: null,
    ended_at: null,
    end: 0,
  }
  if (job.foreach === undefined || task.status === 'skipped') return [task]
  const items = valueAt(draft, job.foreach)
  if (!Array.isArray(items)) {
    const error = { name: 'NotAList', message: `There is no array at ${job.foreach}.`, code: 'not-a-list' }
    return [{ ...task, status: 'failure', error }]
  }
  if (items.length + allTasks(draft).length > REQUEST_MAX_JOBS) {
    const message = `${items.length} items at ${job.foreach}: a request may have at most ${REQUEST_MAX_JOBS} jobs.`
    return [{ ...task, status: 'failure', error: { name: 'TooManyJobs', message, code: 'too-many-jobs' } }]
  }
  return items.map((item: unknown, i) => ({ ...task, key: `${job.name}[${i}]`, item }))
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
  const { status, attempts, result, error } = taskEnd
  // Of an earlier round of the request the history stays.
  task.attempts = [...task.attempts, ...attempts]
  draft.ends++
  Object.assign(task, { status, error, ended_at: taskEnd.at, end: draft.ends })
  keepResult(draft, task, result)
  delete task.cancelling
  if (status === 'completed' && address.step !== null && isObject(result) && isObject(result['extras'])) {
    const isSmall = mergeExtras(draft, { step: address.step, task }, result['extras'], at)
    if (!isSmall) {
      const message = `The request's extras would have more than ${EXTRAS_MAX_BYTES} bytes.`
      Object.assign(task, { status: 'failure', error: { name: 'ExtrasTooLarge', message, code: 'extras-too-large' } })
    }
  }
  return true
}

/** The record is one message: what is large stays at the job alone. */
function keepResult(draft: RequestRecord, task: Task, result: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(result ?? null))
  const fits = bytes <= RESULT_MAX_BYTES && draft.result_bytes + bytes <= RESULTS_MAX_BYTES
  if (fits) draft.result_bytes += bytes
  else task.result_omitted = true
  task.result = fits ? result : null
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

/** What completed and can be undone, the last completed first. */
function undoTasks(draft: RequestRecord): UndoTask[] {
  return draft.steps
    .flatMap(({ tasks }, step) => tasks.map((task) => ({ task, step })))
    .filter(
      ({ task, step }) => task.status === 'completed' && draft.plan[step]?.jobs?.[task.job]?.compensate !== undefined,
    )
    .toSorted((a, b) => b.task.end - a.task.end)
    .map(({ task, step }) => ({
      ...task,
      step,
      status: 'new' as const,
      round: draft.round,
      attempts: [],
      error: null,
      ended_at: null,
    }))
}

/** One after the other; one that fails does not keep the others from being undone. */
function undoNext(draft: RequestRecord, undo: UndoTask[], at: string): boolean {
  if (undo.some(isRunning)) return false
  const next = undo.find(({ status }) => status === 'new')
  if (next === undefined) {
    end(draft, 'failed', at, draft.error)
    return true
  }
  next.status = 'inprogress'
  return true
}

/** At the failed step, with what is done kept: only what did not complete, or was undone, runs again. */
function reopen(draft: RequestRecord, at: string): void {
  Object.assign(draft, { status: 'inprogress', round: draft.round + 1, finished_at: null, error: null })
  const undone = (draft.undo ?? []).filter(({ status }) => status === 'completed')
  for (const { step, key } of undone) {
    const task = draft.steps[step]?.tasks.find((other) => other.key === key)
    if (task !== undefined) task.status = 'new'
  }
  draft.undone = [...draft.undone, ...(draft.undo ?? [])].slice(-UNDONE_MAX)
  draft.undo = null
  for (const [n, step] of draft.steps.entries()) {
    for (const task of step.tasks) {
      if (task.status === 'failure' || task.status === 'cancelled') task.status = 'new'
    }
    const { jobs = [] } = draft.plan[n] ?? {}
    // Where there was no list there may be one now.
    step.tasks = step.tasks.flatMap((task) => {
      const job = jobs[task.job]
      return task.status === 'new' && job?.foreach !== undefined && task.key === job.name
        ? tasksOf(draft, job, task.job)
        : [task]
    })
    const isOpen = step.status === 'failed' || step.status === 'cancelled'
    if (!isOpen && !step.tasks.some(({ status }) => status === 'new')) continue
    Object.assign(step, { status: 'inprogress', ended_at: null, writers: {} })
    draft.at_step = Math.min(draft.at_step, n)
  }
  note(draft, at, { event: 'request:retried' })
}

function end(
  draft: RequestRecord,
  status: 'completed' | 'failed' | 'cancelled',
  at: string,
  error: JobError | null,
): void {
  Object.assign(draft, { status, finished_at: at, error })
  note(draft, at, { event: status === 'completed' ? 'request:finished' : `request:${status}` })
}

function note(draft: RequestRecord, at: string, event: Omit<RequestEvent, 'at'>): void {
  draft.events.push({ at, ...event })
}
