import type { VNode } from 'preact'
import { type Content, html } from '../html.ts'

/** Names and values; what has no value is left out. */
export const factsOf = (facts: Record<string, Content>): VNode =>
  html`<dl class="facts body">${Object.entries(facts).map(
    ([name, value]) =>
      value !== null &&
      value !== undefined &&
      value !== '' &&
      value !== false &&
      html`<dt key=${name}>${name}</dt><dd>${value}</dd>`,
  )}</dl>`
