import type { VNode } from 'preact'
import { type Content, html } from '../html.ts'
import { place, setQuery } from '../route.ts'

/** The statuses that a parameter names: `failed,timeout`. */
export const statusesOf = (text: string | null | undefined): string[] =>
  (text ?? '').split(',').filter((status) => status !== '')

/** A chip for each status; those that the address asks for are pressed. */
export function statusChips<Status extends string>(
  statuses: readonly Status[],
  wordOf: (status: Status) => Content,
): VNode {
  const chosen = statusesOf(place.value.query.get('status'))
  const toggle = (status: string) => {
    const next = chosen.includes(status) ? chosen.filter((each) => each !== status) : [...chosen, status]
    setQuery({ status: next.join(',') })
  }
  return html`<div class="chips" role="group" aria-label="Status">${statuses.map(
    (status) =>
      html`<button key=${status} class="chip" aria-pressed=${String(chosen.includes(status))}
        onClick=${() => toggle(status)}>${wordOf(status)}</button>`,
  )}</div>`
}
