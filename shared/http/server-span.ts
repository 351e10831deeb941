import { ATTRIBUTES } from '#shared/trace/attributes.ts'
import { UNRECORDED } from '#shared/trace/traceparent.ts'
import { type OpenSpan, SpanKind, type Tracing } from '#shared/trace/tracing.ts'
import type { AppContext } from './app.ts'

/** What operators ask all the time, and nobody wants to see in a trace. */
const UNTRACED = new Set(['/livez', '/readyz', '/heartbeat', '/metrics'])
/** What workers and pages ask all the time: only within a trace of theirs. */
const POLLED = /^\/(v1\/(work|live|events)|ui|docs)(\/|$)/

/** Begins the span of a request, which what it causes is under. @returns null for a request that has none */
export function startServerSpan(tracing: Tracing, ctx: AppContext): OpenSpan | null {
  const parent = ctx.get('traceparent')
  if (UNTRACED.has(ctx.path) || (parent === '' && POLLED.test(ctx.path))) return null
  const span = tracing.start(ctx.method, { kind: SpanKind.SERVER, parent: parent === '' ? null : parent })
  ctx.state.traceparent = span.traceparent
  return span.traceparent === UNRECORDED ? null : span
}

/** @param route as the metrics name it: a path may have anything in it */
export function endServerSpan(span: OpenSpan, ctx: AppContext, route: string): void {
  span.rename(`${ctx.method} ${route}`)
  span.set({
    [ATTRIBUTES.httpMethod]: ctx.method,
    [ATTRIBUTES.httpRoute]: route,
    [ATTRIBUTES.httpStatus]: ctx.status,
    [ATTRIBUTES.urlPath]: ctx.path,
  })
  span.end(ctx.status >= 500 ? String(ctx.status) : null)
}
