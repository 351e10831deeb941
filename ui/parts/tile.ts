import type { VNode } from 'preact'
import { type Content, html } from '../html.ts'

/** One number with its name; with an address it leads to what it counts. */
export const tile = (name: string, value: Content, href: string | null = null, look = ''): VNode =>
  html`<${href === null ? 'div' : 'a'} key=${name} class="tile ${look}" href=${href ?? undefined}>
    <div class="what">${name}</div><div class="value">${value}</div>
  </${href === null ? 'div' : 'a'}>`
