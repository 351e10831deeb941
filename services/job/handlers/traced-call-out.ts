import type { CallOut, OutboundCall } from '#shared/outbound/call-out.ts'
import { ATTRIBUTES } from '#shared/trace/attributes.ts'
import { sentOn } from '#shared/trace/traceparent.ts'
import { SpanKind, type Tracing } from '#shared/trace/tracing.ts'

/**
 * Makes each call within a span of its own, which the target's spans are under. Of the target it tells the host alone:
 * a path or a query may have anything in it.
 */
export const tracedCallOut =
  (callOut: CallOut, tracing: Tracing): CallOut =>
  async (call) => {
    const host = hostOf(call)
    const span = tracing.start(`${call.method} ${host?.hostname ?? ''}`.trim(), {
      kind: SpanKind.CLIENT,
      parent: tracing.parentFrom(call.headers['traceparent'] ?? null),
      attributes: {
        [ATTRIBUTES.httpMethod]: call.method,
        ...(host === null ? {} : { [ATTRIBUTES.serverAddress]: host.hostname, [ATTRIBUTES.serverPort]: portOf(host) }),
      },
    })
    try {
      const traceparent = sentOn(span.traceparent)
      const headers = traceparent === null ? call.headers : { ...call.headers, traceparent }
      const answer = await callOut({ ...call, headers })
      span.set({ [ATTRIBUTES.httpStatus]: answer.status })
      span.end(answer.status >= 400 ? String(answer.status) : null)
      return answer
    } catch (error) {
      span.end(kindOf(error))
      throw error
    }
  }

/** null for a text that is no URL, which the call refuses. */
const hostOf = ({ target }: OutboundCall): URL | null => (URL.canParse(String(target)) ? new URL(target) : null)

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80)

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
