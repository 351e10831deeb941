import type { VNode } from 'preact'
import { html } from '../html.ts'
import { go, place, withQuery } from '../route.ts'
import { icon } from './icon.ts'

/** Cursors of the pages before this one, as far as this visit saw them. */
const behind: string[] = []

/** To the pages before and after this one. A list knows where the next page begins, and not how many there are. */
export function Pager({ text, next }: { text: string; next: string | null }): VNode {
  const cursor = place.value.query.get('cursor')
  const previous = cursor === null ? undefined : behind.at(-1)
  const forward = () => {
    behind.push(cursor ?? '')
    go(withQuery({ cursor: next }, true))
  }
  const back = () => {
    behind.pop()
    go(withQuery({ cursor: previous ?? null }, true))
  }
  return html`<div class="pager">
    <span class="grow">${text}</span>
    ${
      cursor !== null &&
      html`<button class="button small" onClick=${back}>
        ${icon('left')} ${previous === undefined ? 'First page' : 'Back'}
      </button>`
    }
    <button class="button small" disabled=${next === null} onClick=${forward}>Next ${icon('right')}</button>
  </div>`
}
