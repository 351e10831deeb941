import { signal } from '@preact/signals'
import { HastyError } from '../client/errors.ts'
import { Hasty } from '../client/hasty.ts'
import { type Call, makeTransport, sendRequest } from '../client/request.ts'
import { type Caller, isTokenKept, logIn, logOut, session, token } from './session.ts'

/** Whether the last request got an answer. */
export const isReached = signal(true)

async function fetchWatched(...given: Parameters<typeof fetch>): Promise<Response> {
  try {
    const response = await fetch(...given)
    isReached.value = response.status !== 502 && response.status !== 504
    if (response.status === 401 && session.peek().state === 'in') logOut('The token is no longer valid.')
    return response
  } catch (error) {
    if (!(given[1]?.signal?.aborted ?? false)) isReached.value = false
    throw error
  }
}

const options = { url: location.origin, fetch: fetchWatched, retryForMs: 1_500 }
const source = async (): Promise<string> => (await token()) ?? ''

/** Hasty's own client: every call of the page goes through it, or through its transport below. */
export const hasty = new Hasty({ ...options, token: source })

const transport = makeTransport(options, source)

/** A call for which the client has no method. */
export const call = <Body>(what: Call): Promise<Body> => sendRequest<Body>(transport, what)

export const get = <Body>(
  path: string,
  query: Record<string, string | undefined> = {},
  until?: AbortSignal,
): Promise<Body> => call<Body>({ method: 'GET', path, query, signal: until })

/** Asks who the caller is, which also tells whether a token is needed. */
export async function askWho(): Promise<void> {
  try {
    logIn(await get<Caller>('/v1/caller'))
  } catch (error) {
    if (error instanceof HastyError && error.status === 401) {
      const isFirst = error.code === 'token-required' || error.code === 'invalid-token'
      logOut(!isTokenKept() && isFirst ? null : error.detail)
    } else throw error
  }
}

/** An error in one sentence. */
export const say = (error: unknown): string =>
  error instanceof HastyError ? error.detail : error instanceof Error ? error.message : String(error)

export const codeOf = (error: unknown): string | null => (error instanceof HastyError ? error.code : null)
