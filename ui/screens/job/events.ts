import type { VNode } from 'preact'
import type { EventNote } from '../../../shared/contracts/log/job.ts'
import { now } from '../../clock.ts'
import { html } from '../../html.ts'
import { beforeMessage } from '../../parts/error-line.ts'
import { card } from '../../parts/head.ts'
import { to } from '../../route.ts'
import { byClock, counted, duration, exact } from '../../words.ts'

const WORDS: Record<string, string> = {
  'job:created': 'Accepted',
  'job:scheduled': 'Accepted for later, or moved to another time',
  'job:started': 'Started',
  'job:progress': 'Progress',
  'job:retrying': 'Failed, another attempt follows',
  'job:released': 'Handed back by its worker',
  'job:finished': 'Finished',
  'job:failed': 'Failed',
  'job:cancelled': 'Cancelled',
}

/** The whole history, newest last, as it stands in the log: what, when, and who where the log knows. */
export function Events({ events }: { events: readonly EventNote[] }): VNode {
  const firstMs = Date.parse(events[0]?.at ?? '')
  return card(
    'History',
    html`<ol class="events">${events.map(
      (note, n) => html`<li key=${note.seq}>
    <time class="at" datetime=${note.at} title=${exact(note.at)}>${byClock(Date.parse(note.at), now.peek())}
      ${n > 0 && html`<span> +${duration(Date.parse(note.at) - firstMs)}</span>`}</time>
    <span class="what">${WORDS[note.event] ?? note.event} <span class="muted">${detailOf(note)}</span></span>
    <span class="by">${whoOf(note)}</span>
  </li>`,
    )}</ol>`,
    html`<span class="muted">${counted(events.length, 'event')}</span>`,
  )
}

function detailOf(note: EventNote): string {
  const parts = [
    note.attempt === undefined || note.event === 'job:created' ? null : `attempt ${note.attempt}`,
    note.round === undefined || note.round === 1 ? null : `round ${note.round}`,
    note.percent === undefined ? null : `${note.percent} %`,
    note.message ?? null,
    note.due_at === undefined ? null : `due ${byClock(Date.parse(note.due_at), now.peek())}`,
    note.lease_until === undefined ? null : `lease until ${byClock(Date.parse(note.lease_until), now.peek())}`,
    note.error === undefined ? null : `${beforeMessage(note.error)}${note.error.message.slice(0, 300)}`,
    note.reason === undefined ? null : `(${note.reason})`,
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

const whoOf = ({ by, worker_id }: EventNote): VNode | string =>
  by !== undefined
    ? `by ${by}`
    : worker_id !== undefined
      ? html`<a href=${to(`/workers/${encodeURIComponent(worker_id)}`)}>${worker_id}</a>`
      : ''
