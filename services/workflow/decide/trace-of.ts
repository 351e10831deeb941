import { hash } from 'node:crypto'
import type { TaskAddress } from '#shared/ids/task-address.ts'
import { readTraceparent, writeTraceparent } from '#shared/trace/traceparent.ts'
import type { RequestRecord } from './record.ts'

// The spans of a request and of its steps are recorded when they are over, by whoever ends the request. Their ids follow
// from the request, so that whoever makes the jobs can name them as parents before that.

export type SpanPart = 'request' | `step-${number}` | `undo-${number}`

/**
 * The trace context of a span of the request's present round.
 * @returns null for a request that has no trace
 */
export function traceOf({ request_id, round, trace }: RequestRecord, part: SpanPart): string | null {
  const caller = readTraceparent(trace?.parent)
  if (caller === null) return null
  const spanId = hash('sha256', `${request_id} ${part} ${round}`).slice(0, SPAN_ID_DIGITS)
  return writeTraceparent({ ...caller, spanId })
}

const SPAN_ID_DIGITS = 16

/** The step, or the undoing of one, that a task belongs to. */
export const partOf = ({ step, undo_step: undoStep }: Pick<TaskAddress, 'step' | 'undo_step'>): SpanPart =>
  step === null ? `undo-${undoStep ?? 0}` : `step-${step}`
