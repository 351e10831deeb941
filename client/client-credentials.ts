import type { Token } from './contracts.ts'
import type { CallOptions } from './job-request.ts'
import { makeTransport, sendRequest, type TransportOptions } from './request.ts'

export interface ClientCredentials extends TransportOptions {
  clientId: string
  clientSecret: string
  /** Some of the client's scopes, separated by blanks; all of them by default. */
  scope?: string | undefined
}

/**
 * Asks the server for a token (RFC 6749, 4.4).
 * @throws HastyError `invalid-client`, `invalid-scope` and other refusals; the signal's reason
 */
export async function requestToken(credentials: ClientCredentials, { signal }: CallOptions = {}): Promise<Token> {
  const { clientId, clientSecret, scope } = credentials
  // Encoded as the standard requires; ids and secrets made by the server stay unchanged.
  const basic = btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)
  const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }
  const headers = { authorization: `Basic ${basic}` }
  const call = { method: 'POST', path: '/token', form, headers, signal } as const
  return sendRequest<Token>(makeTransport(credentials), call)
}

/** Share of a token's life that is left when the next one is requested. */
const RENEW_SHARE = 0.2

/**
 * The `token` of a `Hasty` that fetches its own: requested when it is first needed, kept, and renewed in time. However
 * many requests wait for it, one is sent. The function throws as `requestToken` does.
 */
export function clientCredentials(credentials: ClientCredentials): () => Promise<string> {
  let held: { token: string; lifeMs: number; ageMs: () => number } | null = null
  let asking: Promise<string> | null = null

  async function renew(): Promise<string> {
    const ageMs = startAge()
    try {
      const { access_token: token, expires_in: lifeS } = await requestToken(credentials)
      held = { token, lifeMs: lifeS * 1000, ageMs }
      return token
    } catch (error) {
      // A token that is still valid is used in the meantime.
      if (held !== null && held.ageMs() < held.lifeMs) return held.token
      throw error
    } finally {
      asking = null
    }
  }

  return async () => {
    if (held !== null && held.ageMs() < held.lifeMs * (1 - RENEW_SHARE)) return held.token
    asking ??= renew()
    return asking
  }
}

/**
 * Milliseconds from now on, by whichever clock shows more: a machine that was asleep must know that its token has
 * expired, and so must one whose wall clock was set back.
 */
function startAge(): () => number {
  const wallMs = new Date().getTime()
  const monotonicMs = performance.now()
  return () => Math.max(new Date().getTime() - wallMs, performance.now() - monotonicMs)
}
