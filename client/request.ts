import { findLostNumber, lostNumberDetail, unsafeLossOf } from '../shared/formats/json-numbers.ts'
import type { Problem } from './contracts.ts'
import { HastyError } from './errors.ts'
import { oneCallKey } from './random-id.ts'
import {
  backoffMs,
  type Deadline,
  durationOption,
  pause,
  retryAfterMs,
  startDeadline,
  unlessAborted,
} from './timing.ts'

/** The server's address, and the limits of its answers. */
export interface TransportOptions {
  /** Address of Hasty: `http://localhost:8080`. */
  url: string
  /** Used instead of the global fetch. */
  fetch?: typeof fetch | undefined
  /**
   * Milliseconds from its first failure during which a request is repeated; 30,000 by default, 0 for never, Infinity
   * for ever.
   */
  retryForMs?: number | undefined
  /**
   * Milliseconds without an answer after which a try counts as failed; 10,000 by default, Infinity for never, at most
   * 24.8 days.
   */
  tryTimeoutMs?: number | undefined
  /** Called before each repeat. */
  onRetry?: ((retry: Retry) => void) | undefined
}

/** A text, or a function that is called before each request. */
export type TokenSource = string | (() => string | Promise<string>)

export interface HastyOptions extends TransportOptions {
  /** Sent as a bearer token; a function, such as `clientCredentials` makes, is called before each request. */
  token?: TokenSource | undefined
}

/** How requests are sent; one for each client. */
export interface Transport {
  /** Address without a trailing slash. */
  url: string
  token: TokenSource | undefined
  fetch: typeof fetch
  /** Milliseconds from a request's first failure during which it is repeated. */
  retryForMs: number
  /** Milliseconds without an answer after which a try counts as failed; a wait requested of the server is added. */
  tryTimeoutMs: number
  onRetry: (retry: Retry) => void
}

/** A try failed, and there will be another. */
export interface Retry {
  error: HastyError
  /** Milliseconds until then. */
  delayMs: number
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | undefined>
  body?: unknown
  /** Sent instead of a JSON body. */
  form?: Record<string, string>
  headers?: Record<string, string>
  /** Seconds that the server should wait for the end of the job. */
  waitS?: number
  /** Key of a POST, used instead of a generated one. */
  idempotencyKey?: string | undefined
  signal?: AbortSignal | undefined
}

/** @throws TypeError for an invalid address or number of milliseconds */
export function makeTransport(options: TransportOptions, token?: TokenSource): Transport {
  const { origin, pathname } = new URL(options.url)
  return {
    url: (origin + pathname).replace(/\/+$/, ''),
    token,
    // The global fetch is looked up at each call, and called without a receiver, as browsers require.
    fetch: options.fetch ?? ((...given) => fetch(...given)),
    retryForMs: durationOption('retryForMs', options.retryForMs, 30_000),
    tryTimeoutMs: durationOption('tryTimeoutMs', options.tryTimeoutMs, 10_000),
    onRetry: options.onRetry ?? (() => undefined),
  }
}

/** Statuses of a server that is stopping, starting, away from its broker, or asks for patience. */
const passing = new Set([429, 502, 503, 504])

/**
 * Sends a request until it is answered. A POST carries one Idempotency-Key over all of its tries.
 * @throws HastyError for a refusal, or the last failure when `retryForMs` are over; the signal's reason
 */
export const sendRequest = <Body>(transport: Transport, call: Call): Promise<Body> =>
  untilAnswered(transport, call, async (response, deadline) => {
    // An answer that breaks off is no answer.
    const text = await response.text()
    deadline.close()
    return toBody(response, text) as Body
  })

/**
 * Sends a request until it is answered, with a reader that the caller provides: it closes the deadline, and a failure
 * in it is repeated like a broken connection.
 */
export async function untilAnswered<Body>(
  transport: Transport,
  call: Call,
  read: (response: Response, deadline: Deadline) => Promise<Body>,
): Promise<Body> {
  const init = await toInit(transport, call)
  const address = addressOf(transport, call)
  let firstFailureMs: number | null = null
  for (let tries = 0; ; tries++) {
    const outcome = await tryOnce(transport, call, address, init, read)
    if (!(outcome instanceof HastyError)) return outcome.body
    firstFailureMs ??= performance.now()
    const leftMs = firstFailureMs + transport.retryForMs - performance.now()
    const delayMs = backoffMs(tries) + (outcome.retryAfterMs ?? 0)
    if (delayMs > leftMs) throw outcome
    transport.onRetry({ error: outcome, delayMs })
    await pause(delayMs, call.signal)
  }
}

/** @returns a failure that is worth another try */
async function tryOnce<Body>(
  transport: Transport,
  call: Call,
  address: string,
  init: RequestInit,
  read: (response: Response, deadline: Deadline) => Promise<Body>,
): Promise<{ body: Body } | HastyError> {
  call.signal?.throwIfAborted()
  const deadline = startDeadline(transport.tryTimeoutMs + (call.waitS ?? 0) * 1000, call.signal)
  try {
    const response = await transport.fetch(address, { ...init, signal: deadline.signal })
    if (response.ok) return { body: await read(response, deadline) }
    const error = refusalOf(response, await response.text())
    deadline.close()
    if (passing.has(response.status)) return error
    throw error
  } catch (error) {
    deadline.close()
    call.signal?.throwIfAborted()
    if (error instanceof HastyError) throw error
    return unreachable(transport.url, error)
  }
}

/** Done once for all tries: headers that cannot be sent never will be. */
async function toInit(transport: Transport, call: Call): Promise<RequestInit> {
  const headers = new Headers({ accept: 'application/json', ...call.headers })
  const token =
    typeof transport.token === 'function'
      ? await unlessAborted(Promise.resolve(transport.token()), call.signal)
      : transport.token
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  if (call.waitS !== undefined && call.waitS > 0) headers.set('prefer', `wait=${call.waitS}`)
  if (call.method === 'POST') headers.set('idempotency-key', call.idempotencyKey ?? oneCallKey())
  if (call.form !== undefined) return { method: call.method, headers, body: new URLSearchParams(call.form) }
  if (call.body === undefined) return { method: call.method, headers }
  headers.set('content-type', 'application/json')
  return { method: call.method, headers, body: toJson(call.body) }
}

/**
 * Serialises a body. A whole number that no double can tell from its neighbours has been changed already, or would be
 * by a reader.
 * @throws HastyError `number-out-of-range`: nothing is sent
 */
function toJson(body: unknown): string {
  const json = JSON.stringify(body)
  const lost = findLostNumber(json, unsafeLossOf)
  if (lost === null) return json
  const detail = `${lost.pointer} ${lostNumberDetail(lost)}; nothing was sent`
  throw new HastyError({ status: 0, code: 'number-out-of-range', detail, problem: null, retryAfterMs: null })
}

function addressOf({ url }: Transport, { path, query = {} }: Call): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? url + path : `${url}${path}?${new URLSearchParams(given).toString()}`
}

function toBody(response: Response, text: string): unknown {
  if (response.status === 204) return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    const type = response.headers.get('content-type') ?? 'no content type'
    throw unexpectedAnswer(response.status, `is not JSON (${type})`, error)
  }
}

export function unexpectedAnswer(status: number, what: string, cause?: unknown): HastyError {
  const detail = `The answer ${what}: is this the address of a Hasty server?`
  return new HastyError({ status, code: 'unexpected-answer', detail, problem: null, retryAfterMs: null, cause })
}

function refusalOf(response: Response, text: string): HastyError {
  const about = { status: response.status, retryAfterMs: retryAfterMs(response.headers) }
  const problem = toProblem(text)
  if (problem !== null) return new HastyError({ ...about, code: problem.code, detail: problem.detail, problem })
  const detail = `The answer was ${response.status} ${response.statusText}`.trimEnd()
  return new HastyError({ ...about, code: 'unexpected-answer', detail, problem: null })
}

function toProblem(text: string): Problem | null {
  try {
    const body = JSON.parse(text) as Partial<Problem> | null
    return typeof body?.code === 'string' && typeof body.detail === 'string' ? (body as Problem) : null
  } catch {
    return null
  }
}

function unreachable(url: string, cause: unknown): HastyError {
  const { cause: inner = cause } = cause instanceof Error ? cause : {}
  const why = inner instanceof Error ? inner.message : String(inner)
  const detail = `${url} did not answer${why === '' ? '' : ` (${why})`}`
  return new HastyError({ status: 0, code: 'unreachable', detail, problem: null, retryAfterMs: null, cause })
}
