import type { VNode } from 'preact'
import type { JobView } from '../../../client/contracts.ts'
import { html } from '../../html.ts'
import { card } from '../../parts/head.ts'

const SHOWN = 20_000

/** The error with its causes, the outermost first. */
export function ErrorCard({ error, reason }: { error: NonNullable<JobView['error']>; reason: string | null }): VNode {
  const stack = typeof error['stack'] === 'string' ? error['stack'] : null
  return card(
    'Error',
    html`<div class="body stack tight">
    <div><strong>${error.name}</strong>${error.code !== undefined && html` <code>${error.code}</code>`}</div>
    <pre class="pre" tabindex="0"><bdi>${error.message.slice(0, SHOWN)}</bdi></pre>
    ${error.causes?.map(
      (cause, n) => html`<div key=${n}><span
      class="muted">caused by</span> <strong>${cause.name}</strong> <bdi>${cause.message.slice(0, SHOWN)}</bdi></div>`,
    )}
    ${stack !== null && html`<details><summary>Stack</summary><pre class="pre" tabindex="0">${stack}</pre></details>`}
  </div>`,
    reason !== null && html`<code class="muted">${reason}</code>`,
  )
}
