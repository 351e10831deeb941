import type { TaskAddress } from '#shared/ids/task-address.ts'
import { isoTime } from '#shared/time/clock.ts'
import { advance } from './advance.ts'
import { draftOf } from './draft-of.ts'
import { endTask, mergeExtras, type TaskEnd } from './end-task.ts'
import { appendEvent, end } from './events.ts'
import { allTasks, isEnded, isRunning, type Json, type RequestRecord } from './record.ts'
import { reopen } from './reopen.ts'

/** Commands of callers. */
export type Command =
  | { kind: 'signal'; name: string; extras: Json }
  | { kind: 'cancel'; reason: string }
  /** @param traceparent of the call, under which the new round is */
  | { kind: 'retry'; traceparent?: string | null }

export type Input =
  /** @param appliedAs an id that a repeat of the command has too; null: a repeat cannot be recognised */
  | (Command & { appliedAs: string | null })
  | { kind: 'pick-up' }
  | { kind: 'task-ended'; task: TaskAddress; end: TaskEnd }
  /**
   * The new record is too large to be stored. Placed before the ends that made it so, which then start nothing more.
   */
  | { kind: 'too-large' }
  /** The decision threw: a bug, which another try would only repeat. */
  | { kind: 'broken'; message: string }
  /** Time has passed: a sleeping step may continue. */
  | { kind: 'time' }

/** Number of events that are kept: a request that is retried endlessly must not grow endlessly. */
const EVENTS_MAX = 1_000
/** Number of applied ids that are kept: repeats come within seconds. */
const APPLIED_IDS_MAX = 20

/**
 * The next state of a request. Pure, and harmless to repeat: an input that was applied already changes nothing.
 * @param inputs in their order
 * @param mayAdvance false: the consequences of a job's end wait for the next `time`
 * @returns the very same record when nothing changes
 */
export function decide(
  record: RequestRecord,
  inputs: Input | Input[],
  nowMs: number,
  mayAdvance = true,
): RequestRecord {
  const draft = draftOf(record)
  const at = isoTime(nowMs)
  let changed = false
  for (const input of [inputs].flat()) {
    const isTime = input.kind === 'time'
    const appliedAs = 'appliedAs' in input ? input.appliedAs : null
    // Within the compare-and-set: a repeat may have been let in beside its first try.
    if (appliedAs !== null && draft.asked.includes(appliedAs)) continue
    if (!isTime && !apply(draft, input, at)) continue
    if (appliedAs !== null) {
      draft.asked = [...draft.asked, appliedAs].slice(-APPLIED_IDS_MAX)
    }
    const advanced = (mayAdvance || input.kind !== 'task-ended') && advance(draft, at, nowMs)
    changed ||= !isTime || advanced
  }
  if (!changed) return record
  draft.updated_at = at
  draft.events = draft.events.slice(-EVENTS_MAX)
  return draft
}

/** @returns false when the input does not concern the request in its current state */
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
      // A name that no step waits for is a mistake; extras that do not fit are refused with it.
      if (!draft.plan.some(({ signal }) => signal === input.name)) return false
      if (!mergeExtras(draft, null, input.extras, at)) return false
      draft.signals.push(input.name)
      appendEvent(draft, at, { event: 'request:signalled', job: input.name })
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
      // Jobs that a cancel has not ended yet would continue beside their successors.
      if (allTasks(draft).some(isRunning)) return false
      reopen(draft, at, input.traceparent ?? null)
      return true
    case 'time':
      return false
  }
}

const TOO_LARGE = "Its params, extras, results and attempts would exceed the broker's message limit."

/** Stops the request: nothing more starts, and running jobs will be cancelled. */
function stopRunning(draft: RequestRecord, at: string): void {
  for (const task of allTasks(draft)) if (isRunning(task)) task.cancelling = true
  for (const step of draft.steps) {
    if (step.status === 'inprogress') Object.assign(step, { status: 'cancelled', ended_at: at })
  }
  for (const task of draft.undo ?? []) if (task.status === 'new') task.status = 'skipped'
}
