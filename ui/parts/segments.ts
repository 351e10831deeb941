import type { VNode } from 'preact'
import { html } from '../html.ts'

/** One of a few: all of them are seen, the chosen one is marked. */
export const segments = <Name extends string>(
  label: string,
  choices: readonly (readonly [name: Name, word: string])[],
  chosen: Name | null,
  choose: (name: Name) => void,
): VNode => html`<div class="segments" role="group" aria-label=${label}>
  ${choices.map(
    ([name, word]) => html`<button key=${name} type="button" aria-pressed=${String(name === chosen)}
    onClick=${() => choose(name)}>${word}</button>`,
  )}
</div>`
