import type { Caller } from '#shared/auth/caller.ts'
import { HEADERS } from '#shared/contracts/log/events.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { readTraceparent, sentOn } from '#shared/trace/traceparent.ts'
import type { AppContext } from './app.ts'
import { callerOf } from './authenticate.ts'

/** The facts about a request that its events carry. */
export interface RequestInfo {
  requestId: string
  /** Whether a repeated request id means a repeated request: nginx repeats a request whose replica died. */
  requestIdTrusted: boolean
  /** W3C trace context, passed on with every event of the job. */
  traceparent: string | null
  caller: Caller
  /**
   * Names a change by the request's Idempotency-Key and address: a request with the same name is the same change. Set
   * by `changeInfo` where there is a key.
   */
  changeKey?: string
}

const incoming = (traceparent: string): string | null => (readTraceparent(traceparent) === null ? null : traceparent)

export const requestInfo = (ctx: AppContext): RequestInfo => ({
  requestId: ctx.state.requestId,
  requestIdTrusted: ctx.state.requestIdTrusted,
  traceparent: ctx.state.traceparent ?? incoming(ctx.get('traceparent')),
  caller: callerOf(ctx),
})

/** The facts about a request that changes something that exists. */
export function changeInfo(ctx: AppContext): RequestInfo {
  const info = requestInfo(ctx)
  const key = ctx.get('idempotency-key')
  return key === '' ? info : { ...info, changeKey: hashNames(info.caller.tenant, ctx.method, ctx.path, key) }
}

/** Headers that an event carries about its request. */
export function requestHeaders({ requestId, traceparent }: RequestInfo): Record<string, string> {
  const sent = sentOn(traceparent)
  return { [HEADERS.requestId]: requestId, ...(sent === null ? {} : { [HEADERS.traceparent]: sent }) }
}
