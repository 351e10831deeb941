import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import { decide, type Input } from '../decide/decide.ts'
import { fallbacksFor, inputsToBreak } from '../decide/fallbacks.ts'
import { isEnded, type RequestRecord } from '../decide/record.ts'
import { CoalescingQueue } from './coalescing-queue.ts'
import type { RequestRecords, StoredRequest } from './request-records.ts'
import { recordRequestSpans } from './request-spans.ts'

/** The result of a turn of changes. */
interface Changed {
  stored: StoredRequest | null
  /** Inputs that were left out because there is no room for them. */
  refused: Input[]
}

/** A queue that changes a request once at a time in this process, with everything that has come for it in between. */
export type ChangeQueue = CoalescingQueue<Input, Changed>
export const createChangeQueue = (): ChangeQueue => new CoalescingQueue()

export interface ChangeRequestDeps {
  records: RequestRecords
  changes: ChangeQueue
  clock: { now(): number }
  /** false: after the end of a job a request continues only at its configured times. */
  advancesImmediately: boolean
  ended: Counter<'status'>
  /** null: no spans are recorded. */
  tracing: Tracing | null
}

/** Limit of the tries against faster replicas. */
const MAX_TRIES = 100

/**
 * Reads, decides, compares and sets; again when somebody else was faster. Inputs that come while another change of the
 * request is under way here are applied together: the jobs of a step often end at once, and would only be each other's
 * rivals. Inputs that would make the request too large end it, with all reported ends of its jobs; a signal or a retry
 * is refused instead.
 * @returns the request after the change; null where there is none
 * @throws AppError `unavailable`; `payload-too-large` for a signal or a retry for which there is no room
 */
export async function changeRequest(
  deps: ChangeRequestDeps,
  requestId: string,
  input: Input,
): Promise<StoredRequest | null> {
  const change = (inputs: Input[]) => changeNow(deps, requestId, inputs)
  const { stored, refused } = await deps.changes.add(requestId, input, change)
  if (refused.includes(input))
    throw new AppError('payload-too-large', "The request would exceed the broker's message limit.")
  return stored
}

/**
 * Decides, or breaks the request. The decision is pure: one that throws would do so at every try, and the request would
 * be stuck.
 */
function decideOrBreak(record: RequestRecord, inputs: Input[], nowMs: number, mayAdvance: boolean): RequestRecord {
  try {
    return decide(record, inputs, nowMs, mayAdvance)
  } catch (error) {
    return decide(record, inputsToBreak(inputs, messageOf(error)), nowMs, mayAdvance)
  }
}

/** Whether a record was refused because it is larger than there is room for. */
export const isTooLarge = (error: unknown): boolean => error instanceof AppError && error.code === 'payload-too-large'

/** Called by the writer of a request's end, which is only one. */
export function tellEnd({ ended, tracing }: Pick<ChangeRequestDeps, 'ended' | 'tracing'>, record: RequestRecord): void {
  ended.inc({ status: record.status })
  if (tracing !== null) recordRequestSpans(tracing, record)
}

async function changeNow(deps: ChangeRequestDeps, requestId: string, inputs: Input[]): Promise<Changed> {
  const { records, clock, advancesImmediately } = deps
  let turns = fallbacksFor(inputs)
  let current = records.known(requestId)
  // The known record may be old: it does not prove that no change is needed or possible.
  let isSure = false
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (current === null) {
      current = await records.read(requestId)
      isSure = true
      turns = fallbacksFor(inputs)
    }
    const [turn, ...others] = turns
    if (turn === undefined) break
    if (current === null) return { stored: null, refused: [] }
    const changed = decideOrBreak(current.record, turn.inputs, clock.now(), advancesImmediately)
    if (changed === current.record) {
      if (isSure) return { stored: current, refused: turn.refused }
      current = null
      continue
    }
    try {
      const stored = await records.write(changed, current.seq, turn.isBrief)
      if (stored !== null) {
        if (isEnded(changed) && !isEnded(current.record)) tellEnd(deps, changed)
        return { stored, refused: turn.refused }
      }
      current = null
    } catch (error) {
      if (!isTooLarge(error) || (isSure && others.length === 0)) throw error
      if (isSure) turns = others
      else current = null
    }
  }
  throw unavailable('Too many others are changing this request. Try again.')
}
