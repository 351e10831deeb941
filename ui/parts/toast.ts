import { signal } from '@preact/signals'
import type { VNode } from 'preact'
import { html } from '../html.ts'
import { icon } from './icon.ts'

interface Toast {
  id: number
  text: string
  isBad: boolean
}

const toasts = signal<Toast[]>([])
let count = 0
const SHOWN_MS = 6_000

const remove = (id: number): void => {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** Says what was done; a failure stays until it is closed. */
export function tell(text: string, isBad = false): void {
  const id = count++
  toasts.value = [...toasts.value.slice(-3), { id, text, isBad }]
  if (!isBad) setTimeout(() => remove(id), SHOWN_MS)
}

export function Toasts(): VNode {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(
      ({ id, text, isBad }) => html`<div key=${id} class="toast ${isBad ? 'bad' : ''}">
        <span class="grow">${text}</span>
        <button class="button plain small icon-only" aria-label="Close"
          onClick=${() => remove(id)}>${icon('close')}</button>
      </div>`,
    )}
  </div>`
}
