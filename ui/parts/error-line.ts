import type { VNode } from 'preact'
import { html } from '../html.ts'

const SHOWN = 200

/** What stands before an error's message, which may be empty. */
export const beforeMessage = ({ name, message }: { name: string; message: string }): string =>
  message === '' ? name : `${name}: `

/** An error in one line of a list; all of its message is in the title. */
export const errorLine = (error: { name: string; message: string } | null): VNode | null =>
  error &&
  html`<div class="second clip" title=${error.message}>
    ${beforeMessage(error)}<bdi>${error.message.slice(0, SHOWN)}</bdi>
  </div>`
