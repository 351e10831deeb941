import { isIP } from 'node:net'
import type { buildConnector, Dispatcher, request as sendRequest } from 'undici'
import { isPublicAddress } from './addresses.ts'
import { BlockedUrlError, checkUrl, isTrusted, type UrlRules } from './check-url.ts'
import { guardedLookup, type Resolve, systemResolve } from './guarded-lookup.ts'
import { readBounded } from './read-bounded.ts'

export interface OutboundCall {
  /** A text comes from a user and is checked; a URL comes from the operator and may be private. */
  target: string | URL
  method: Dispatcher.HttpMethod
  headers: Record<string, string>
  body?: string
  signal: AbortSignal
  /** Limit of the whole call, the answer's body included. */
  timeoutMs: number
  /** Limit of the bytes that are read of the answer's body. */
  maxBodyBytes: number
}

export interface OutboundAnswer {
  status: number
  /** Lower-case names. */
  headers: Dispatcher.ResponseData['headers']
  /** Text decoded from UTF-8, with invalid bytes replaced. */
  text: string
  truncated: boolean
}

export type CallOut = (call: OutboundCall) => Promise<OutboundAnswer>

export interface CallOutOptions extends UrlRules {
  resolve?: Resolve
}

/** The call exceeded its time limit. */
class CallTimeoutError extends Error {
  override name = 'CallTimeoutError'
  readonly code = 'timeout'
}

/**
 * Creates the only way out of this process: no redirect is followed, no proxy of the environment is used, and where a
 * user named the target, every address is checked right before the connection.
 * @returns a call that throws BlockedUrlError before a byte is sent, and other errors when no answer came
 */
export function makeCallOut(options: CallOutOptions): CallOut {
  let opening: Promise<WaysOut> | undefined
  return async ({ target, method, headers, body, signal, timeoutMs, maxBodyBytes }) => {
    const url = typeof target === 'string' ? checkUrl(target, options) : target
    opening ??= openWays(options.resolve ?? systemResolve)
    const { trusted, guarded, request } = await opening
    const dispatcher = typeof target !== 'string' || isTrusted(url, options) ? trusted : guarded
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await request(url, {
        dispatcher,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([signal, timeout]),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      })
      return { status: answer.statusCode, headers: answer.headers, ...(await readBounded(answer.body, maxBodyBytes)) }
    } catch (error) {
      throw explain(error, timeout, timeoutMs)
    }
  }
}

const CONNECT_TIMEOUT_MS = 10_000

interface WaysOut {
  trusted: Dispatcher
  guarded: Dispatcher
  request: typeof sendRequest
}

/**
 * Loaded by the first call: a child process for one attempt of a job, of which many may start at once, usually makes
 * none.
 */
async function openWays(resolve: Resolve): Promise<WaysOut> {
  const { Agent, buildConnector: build, request } = await import('undici')
  return {
    trusted: new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, allowH2: false }),
    // A connection for each call: users name so many hosts that keeping theirs open would only hold sockets.
    guarded: new Agent({ connect: guardedConnector(build, resolve), pipelining: 0, allowH2: false }),
    request,
  }
}

/** Checks literal addresses, for which the lookup is not called. */
function guardedConnector(build: typeof buildConnector, resolve: Resolve): buildConnector.connector {
  const connect = build({ timeout: CONNECT_TIMEOUT_MS, allowH2: false, lookup: guardedLookup(resolve) })
  return (options, callback) => {
    const address = options.hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(address) > 0 && !isPublicAddress(address)) {
      queueMicrotask(() => callback(new BlockedUrlError('the address is not public'), null))
      return
    }
    connect(options, callback)
  }
}

function explain(error: unknown, timeout: AbortSignal, timeoutMs: number): unknown {
  if (timeout.aborted) return new CallTimeoutError(`no whole answer within ${timeoutMs} ms`, { cause: error })
  // Several addresses were tried: the combined error has no message of its own.
  if (error instanceof AggregateError && error.message === '') {
    const [first] = error.errors as unknown[]
    return first instanceof Error ? first : error
  }
  return error
}
