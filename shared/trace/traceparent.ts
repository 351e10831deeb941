import { type SpanContext, TraceFlags } from '@opentelemetry/api'

/** W3C trace context, version 00; anything else is ignored, as the standard requires. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

/**
 * Stands for the context of a trace that was begun here and is not recorded, within a process and between Hasty's own.
 * Events do not carry it: nine in ten would, where one trace in ten is recorded.
 */
export const UNRECORDED = `00-${'f'.repeat(32)}-${'f'.repeat(16)}-00`

/** What an event or a handler is told of a trace context. */
export const sentOn = (traceparent: string | null): string | null => (traceparent === UNRECORDED ? null : traceparent)

/** @returns null for what is no trace context */
export function readTraceparent(text: string | null | undefined): SpanContext | null {
  // Most requests and jobs come without one.
  if (!text) return null
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return null
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
}

export const writeTraceparent = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`

/** The member of a log line that leads to the trace; none where there is no trace. */
export function traceIdMember(traceparent: string | null | undefined): { trace_id?: string } {
  const traceId = traceparent === UNRECORDED ? undefined : readTraceparent(traceparent)?.traceId
  return traceId === undefined ? {} : { trace_id: traceId }
}
