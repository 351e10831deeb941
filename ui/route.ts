import { signal } from '@preact/signals'

// The address is the state: the screen, its filters, its page and its open parts can all be read from it.

export interface Place {
  /** Below `/ui`, without a slash at its end: `` or `/jobs/abc`. */
  path: string
  query: URLSearchParams
}

const ROOT = '/ui'

function readPlace(): Place {
  const path = location.pathname.slice(ROOT.length).replace(/\/+$/, '')
  return { path, query: new URLSearchParams(location.search) }
}

export const place = signal<Place>(readPlace())

/** Goes to an address of the dashboard, such as `/jobs?status=failed`. */
export function go(address: string, { replace = false } = {}): void {
  const before = place.peek().path
  history[replace ? 'replaceState' : 'pushState'](null, '', ROOT + address)
  place.value = readPlace()
  if (place.peek().path !== before) arrive()
}

/** The link of an address: `href=${to('/jobs')}`. */
export const to = (address: string): string => ROOT + address

/** The address of one of a list. Two tenants may have one of the same name: the address says which is meant. */
export const addressOf = (list: string, { name, tenant }: { name: string; tenant?: string | undefined }): string =>
  `${list}/${encodeURIComponent(name)}${tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`}`

/** The address of this screen with other parameters; null takes one away. A new filter begins at the first page. */
export function withQuery(changes: Record<string, string | null>, keepsPage = false): string {
  const { path, query } = place.value
  const next = new URLSearchParams(query)
  if (!keepsPage) next.delete('cursor')
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
  }
  const text = next.toString()
  return path + (text === '' ? '' : `?${text}`)
}

export const setQuery = (changes: Record<string, string | null>, options = {}): void => go(withQuery(changes), options)

/** A new screen begins at its top, and a reader of the screen hears its title. */
function arrive(): void {
  scrollTo(0, 0)
  requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true }))
}

/** Links of the page change the screen; every other one, and every one with a key held, does what links do. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    place.value = readPlace()
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || event.defaultPrevented || event.button !== 0 || link.target !== '') return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.origin !== location.origin || !/^\/ui(\/|$)/.test(link.pathname) || link.hash !== '') return
    event.preventDefault()
    go(link.pathname.slice(ROOT.length) + link.search)
  })
}
