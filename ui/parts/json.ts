import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { type Content, html } from '../html.ts'
import { count } from '../words.ts'
import { copyText } from './copy.ts'
import { card } from './head.ts'
import { icon } from './icon.ts'

// JSON to read. Every value is text to the browser, whatever it says; a large one is shown in part, and further parts
// when they are asked for, so that ten thousand members or a megabyte of text cost nothing until then.

const TEXT_SHOWN = 500
const ITEMS_SHOWN = 100
const OPEN_DEPTH = 2
/** Members beyond which a value inside of another begins closed. */
const OPEN_ITEMS = 30

/** A value in its own scrolling frame. */
export const json = (value: unknown, what: string): VNode =>
  html`<div class="json mono" tabindex="0" role="region" aria-label=${what}>${valueOf(value, 0)}</div>`

/** A card with a value and a button that copies all of it. */
export const jsonCard = (title: string, value: unknown): VNode =>
  card(
    title,
    json(value, title),
    html`<button class="button plain small"
      onClick=${() => copyText(JSON.stringify(value, null, 2), title)}>${icon('copy')} Copy</button>`,
  )

/** @param before what stands before the value on its line: the name of a member */
function valueOf(value: unknown, depth: number, before: Content = ''): VNode {
  if (typeof value === 'string') return html`${before}<${Text} text=${value} />`
  if (typeof value !== 'object' || value === null)
    return html`${before}<span class=${typeof value === 'number' ? 'number' : 'word'}>${String(value)}</span>`
  return html`<${Members} value=${value} depth=${depth} before=${before} />`
}

function Text({ text }: { text: string }): VNode {
  const [shown, setShown] = useState(TEXT_SHOWN)
  const quoted = JSON.stringify(text.slice(0, shown))
  return html`<span class="text"><bdi>${quoted}</bdi></span>${
    text.length > shown &&
    html` <button class="link"
    onClick=${() => setShown(shown * 10)}>… ${count(text.length - shown)} characters more</button>`
  }`
}

function Members({ value, depth, before }: { value: object; depth: number; before: Content }): VNode {
  const isList = Array.isArray(value)
  const names = Object.keys(value)
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH && (depth === 0 || names.length <= OPEN_ITEMS))
  const [shown, setShown] = useState(ITEMS_SHOWN)
  const [begin, end] = isList ? ['[', ']'] : ['{', '}']
  if (names.length === 0) return html`${before}<span>${begin}${end}</span>`
  const closed = html`<span class="muted"> ${count(names.length)} ${isList ? 'items' : 'members'} ${end}</span>`
  const toggle = (event: Event) => setOpen((event.currentTarget as HTMLDetailsElement).open)
  const nameOf = (name: string) =>
    html`<span class="key"><bdi>${JSON.stringify(name.slice(0, TEXT_SHOWN))}</bdi>: </span>`
  return html`<details open=${isOpen} onToggle=${toggle}>
    <summary>${before}${begin}${!isOpen && closed}</summary>
    ${
      isOpen &&
      html`<ul>${names.slice(0, shown).map((name) => {
        const own = (value as Record<string, unknown>)[name]
        return html`<li key=${name}>${valueOf(own, depth + 1, isList ? '' : nameOf(name))}</li>`
      })}
      ${
        names.length > shown &&
        html`<li>
          <button class="link" onClick=${() => setShown(shown * 5)}>… ${count(names.length - shown)} more</button>
        </li>`
      }</ul>${end}`
    }
  </details>`
}
