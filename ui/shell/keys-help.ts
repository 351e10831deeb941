import { html } from '../html.ts'
import { areKeysOn, KEYS, switchKeys } from '../keys.ts'
import { closeFoot, showDialog } from '../parts/dialog.ts'

export const showKeys = (): void =>
  showDialog(
    'Keys',
    (close) => html`
    <dl class="facts">${KEYS.map(
      ([keys, does]) =>
        html`<dt key=${keys}>${keys.split(/\s+/).map(
          (key) => html`<kbd
      key=${key}>${key}</kbd> `,
        )}</dt><dd>${does}</dd>`,
    )}</dl>
    <label class="check"><input type="checkbox" checked=${areKeysOn.value}
      onChange=${(event: Event) => switchKeys((event.currentTarget as HTMLInputElement).checked)} />
      <span>Single letters are keys</span></label>
    ${closeFoot(close)}`,
  )
