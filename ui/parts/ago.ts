import { useComputed } from '@preact/signals'
import type { VNode } from 'preact'
import { now } from '../clock.ts'
import { type Content, html } from '../html.ts'
import { duration, exact, relative } from '../words.ts'

/** A moment, seen from now; the exact one is in its title. Only its text changes as time goes by. */
function Ago({ at }: { at: string }): VNode {
  const ms = Date.parse(at)
  const text = useComputed(() => relative(ms, now.value))
  return html`<time datetime=${at} title=${exact(at)}>${text}</time>`
}

export const ago = (at: string | null | undefined): VNode | string => (at ? html`<${Ago} key=${at} at=${at} />` : '')

/** How long something has gone on, up to its end or up to now. */
function Lasting({ from, until }: { from: string; until: string | null }): VNode {
  const startMs = Date.parse(from)
  const text = useComputed(() => duration(Math.max(0, (until === null ? now.value : Date.parse(until)) - startMs)))
  return html`<span title=${`${from} to ${until ?? 'now'}`}>${text}</span>`
}

export const lasting = (from: string | null, until: string | null): VNode | string =>
  from === null ? '' : html`<${Lasting} key=${`${from}${until ?? ''}`} from=${from} until=${until} />`

const MOMENT = /(?:\bat )?(\d{4}-\d\d-\d\dT[\d:.]+Z)/

/** A sentence of the api, with its moments as seen from now. */
export const withAgo = (sentence: string): Content =>
  sentence.split(MOMENT).map((part, n) => (n % 2 === 1 ? ago(part) : part))
