import type { VNode } from 'preact'
import type { Why as WhyView } from '../../../client/contracts.ts'
import { html } from '../../html.ts'
import { ago, withAgo } from '../../parts/ago.ts'
import type { IconName } from '../../parts/icon.ts'
import { note } from '../../parts/states.ts'
import { to } from '../../route.ts'

const STALLED = new Set(['paused', 'no_live_worker', 'slots_held_by_abandoned_handlers'])

/** Why the job is where it is, in the api's own sentences, and what to do next. */
export function Why({ why }: { why: WhyView }): VNode {
  const [first] = why.reasons
  const [tone, drawing] = lookOf(why, first?.code)
  return note(
    tone,
    drawing,
    html`<div class="stack tight">
    <div>${why.reasons.map(
      ({ detail }, n) => html`<p
      key=${n}>${n === 0 ? html`<strong>${withAgo(detail)}</strong>` : withAgo(detail)}</p>`,
    )}</div>
    ${placeOf(why)}
    ${why.status !== 'finished' && html`<p>Next: ${withAgo(why.next.detail)}</p>`}
    ${
      why.next.request_id !== undefined &&
      html`<p><a
      href=${to(`/requests/${why.next.request_id}`)}>Go to its request</a></p>`
    }
  </div>`,
  )
}

/** How many jobs are ahead of it is one of the reasons already. */
function placeOf({ position, estimated_start_at: start }: WhyView): VNode | null {
  if (position === 0)
    return html`<p>It is the next of its kind${start !== null && html`, about to start ${ago(start)}`}.</p>`
  return start === null ? null : html`<p>It is about to start ${ago(start)}.</p>`
}

function lookOf({ status }: WhyView, code: string | undefined): [tone: string, drawing: IconName] {
  if (status === 'failed') return ['bad', 'failed']
  if (status === 'finished') return ['ok', 'check']
  if (status === 'cancelled') return ['', 'stop']
  if (code !== undefined && STALLED.has(code)) return ['bad', 'failed']
  if (code === 'running') return ['run', 'spin']
  if (code === 'delayed') return ['plan', 'schedules']
  return code === 'waiting_for_retry' || code === 'at_concurrency_limit' ? ['warn', 'wait'] : ['', 'wait']
}
