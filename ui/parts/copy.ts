import type { VNode } from 'preact'
import { html } from '../html.ts'
import { isOpenToAll } from '../session.ts'
import { menuAction } from './action.ts'
import { icon } from './icon.ts'
import { tell } from './toast.ts'

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    tell(`Copied: ${what}.`)
  } catch {
    tell(`The browser does not let this page copy. The text is: ${text}`, true)
  }
}

/** An id or another text, and a button that copies it. */
export const copyable = (text: string, what: string): VNode =>
  html`<span class="row nowrap"><code class="clip" title=${text}>${text}</code><button
    class="button plain small icon-only" aria-label=${`Copy ${what}`}
    onClick=${() => copyText(text, what)}>${icon('copy')}</button></span>`

/** Copies a call as a command for a shell. A token stays out of it: the shell has it in HASTY_TOKEN. */
export function copyAsCurl(method: string, path: string, body?: unknown): Promise<void> {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  const command = [
    method === 'GET' ? 'curl' : `curl -X ${method}`,
    ...(isOpenToAll.peek() ? [] : ['-H "Authorization: Bearer $HASTY_TOKEN"']),
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`]),
    quote(location.origin + path),
  ].join(' ')
  return copyText(command, 'a curl command')
}

/** Entries of a menu, each of which copies a call. */
export const curlEntries = (calls: [word: string, method: string, path: string, body?: unknown][]): VNode[] =>
  calls.map(([word, ...call]) =>
    menuAction({
      word: `Copy as curl: ${word}`,
      drawing: 'copy',
      scope: 'jobs:read',
      run: () => copyAsCurl(...call),
    }),
  )
