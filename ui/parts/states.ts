import type { VNode } from 'preact'
import { codeOf, say } from '../api.ts'
import { type Content, html } from '../html.ts'
import type { Loaded } from '../load.ts'
import { type IconName, icon } from './icon.ts'

/** Nothing is here: what that means, and what to do. */
export const empty = (title: string, text: Content = '', drawing: IconName = 'empty', more: Content = ''): VNode =>
  html`<div class="state">${icon(drawing)}<strong>${title}</strong><p>${text}</p>${more}</div>`

/** The shape of what comes. */
export const loading = (lines = 6): VNode =>
  html`<div class="bones" role="status" aria-label="Loading">
    ${Array.from({ length: lines }, (_, n) => html`<i key=${n}></i>`)}
  </div>`

/** What a refusal means to a reader, by its code. */
const MEANINGS: Record<string, [title: string, drawing: IconName]> = {
  'insufficient-scope': ['Your token does not reach this', 'lock'],
  unavailable: ['Hasty cannot answer now', 'away'],
  unreachable: ['Hasty cannot answer now', 'away'],
}

/** Why something cannot be shown: not allowed, not there, not reached, or broken. */
export function problem(error: unknown, reload?: () => void): VNode {
  const code = codeOf(error) ?? ''
  const isMissing = code.endsWith('not-found') || code === 'unknown-type'
  const [title, drawing] = isMissing
    ? (['There is no such thing here', 'search'] as const)
    : (MEANINGS[code] ?? (['This could not be read', 'failed'] as const))
  const again = html`<button class="button" onClick=${reload}>${icon('again')} Try again</button>`
  return empty(
    title,
    say(error),
    drawing,
    isMissing || code === 'insufficient-scope' || reload === undefined ? '' : again,
  )
}

/** Facts once they are there; until then their shape, or the reason why they are not. */
export function when<Data>({ data, error, reload }: Loaded<Data>, show: (data: Data) => Content, lines = 6): Content {
  if (data !== undefined) return show(data)
  return error === undefined ? loading(lines) : problem(error, reload)
}

/** A sentence that matters, with a drawing beside it. */
export const note = (tone: string, drawing: IconName, text: Content): VNode =>
  html`<div class="note ${tone}">${icon(drawing)}<div class="grow">${text}</div></div>`
