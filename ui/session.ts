import { computed, signal } from '@preact/signals'
import { clientCredentials } from '../client/client-credentials.ts'
import type { Scope } from '../shared/contracts/http/tokens.ts'

export interface Caller {
  subject: string
  scopes: Scope[]
  tenant: string | null
}

/** Who looks at the page: not known yet, nobody (a token is needed), or the token's owner. */
export type Session = { state: 'asking' } | { state: 'out'; why: string | null } | { state: 'in'; caller: Caller }

export const session = signal<Session>({ state: 'asking' })

/** Who it was when this tab was last loaded: the page begins with that, and asks beside it. */
const KEPT_CALLER = 'hasty.caller'

export function beginAsLastTime(): void {
  const kept = sessionStorage.getItem(KEPT_CALLER)
  if (kept !== null) session.value = { state: 'in', caller: JSON.parse(kept) as Caller }
}

export function logIn(caller: Caller): void {
  const text = JSON.stringify(caller)
  if (sessionStorage.getItem(KEPT_CALLER) === text && session.peek().state === 'in') return
  sessionStorage.setItem(KEPT_CALLER, text)
  session.value = { state: 'in', caller }
}

// The token is kept for as long as the tab lives, the secret only in memory: no cookie, so no other page can use it.
const KEPT = 'hasty.token'
let source: () => Promise<string> | string | undefined = () => sessionStorage.getItem(KEPT) ?? undefined

export const isTokenKept = (): boolean => sessionStorage.getItem(KEPT) !== null

/** The token of each request; undefined where none is needed. */
export const token = (): Promise<string> | string | undefined => source()

/** `npx hasty ui` opens the page with the token behind the `#`, which no server sees; it leaves the address at once. */
export function takeTokenFromAddress(): void {
  const found = /^#token=(.+)$/.exec(location.hash)?.[1]
  if (found === undefined) return
  useToken(decodeURIComponent(found))
  history.replaceState(null, '', location.pathname + location.search)
}

export function useToken(text: string): void {
  sessionStorage.setItem(KEPT, text)
  sessionStorage.removeItem(KEPT_CALLER)
  source = () => text
}

/** Exchanges the secret for a token, and again before it expires, for as long as this page is open. */
export async function useClient(clientId: string, clientSecret: string): Promise<void> {
  const renew = clientCredentials({ url: location.origin, clientId, clientSecret, retryForMs: 2_000 })
  await renew()
  source = async () => {
    const current = await renew()
    sessionStorage.setItem(KEPT, current)
    return current
  }
}

export function logOut(why: string | null = null): void {
  sessionStorage.removeItem(KEPT)
  sessionStorage.removeItem(KEPT_CALLER)
  source = () => undefined
  session.value = { state: 'out', why }
}

const caller = computed(() => (session.value.state === 'in' ? session.value.caller : null))

/** No token is required: there is nobody to log out. */
export const isOpenToAll = computed(() => caller.value?.subject === 'anyone' && !isTokenKept())

/**
 * Why the caller may not do what needs this scope; null: they may. The api decides by itself: this is only so that the
 * page says it beforehand.
 */
export function whyNot(scope: Scope): string | null {
  const who = caller.value
  if (who === null) return 'Nobody is logged in.'
  const isOperator = who.scopes.includes('admin')
  if (scope === 'admin') {
    if (isOperator && who.tenant === null) return null
    return isOperator
      ? 'This concerns all tenants, and your token is bound to one.'
      : 'This needs a token with the scope admin.'
  }
  return isOperator || who.scopes.includes(scope) ? null : `This needs a token with the scope ${scope}.`
}
