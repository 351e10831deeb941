import type { Caller } from '#shared/auth/caller.ts'
import { HEADERS } from '#shared/contracts/log/events.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import type { AppContext } from './app.ts'
import { callerOf } from './authenticate.ts'

/** What a request says about itself, for the events it makes. */
export interface RequestInfo {
  requestId: string
  /** The same request id again is the same request again: nginx repeats a request whose replica died. */
  requestIdTrusted: boolean
  /** W3C trace context, passed on with every event of the job. */
  traceparent: string | null
  caller: Caller
  /** Its Idempotency-Key and address: a change asked for under the same one is the same change. Of `changeInfo`, where there is a key. */
  changeKey?: string
}

/** W3C trace context, version 00; anything else is left out, as the standard asks. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

export const requestInfo = (ctx: AppContext): RequestInfo => ({
  requestId: ctx.state.requestId,
  requestIdTrusted: ctx.state.requestIdTrusted,
  traceparent: TRACEPARENT.test(ctx.get('traceparent')) ? ctx.get('traceparent') : null,
  caller: callerOf(ctx),
})

/** Of a request that changes what is there already. */
export function changeInfo(ctx: AppContext): RequestInfo {
  const info = requestInfo(ctx)
  const key = ctx.get('idempotency-key')
  return key === '' ? info : { ...info, changeKey: hashNames(info.caller.tenant, ctx.method, ctx.path, key) }
}

/** What an event says of the request that made it. */
export const requestHeaders = ({ requestId, traceparent }: RequestInfo): Record<string, string> => ({
  [HEADERS.requestId]: requestId,
  ...(traceparent === null ? {} : { [HEADERS.traceparent]: traceparent }),
})
