import type { VNode } from 'preact'
import type { RequestList, RequestSummary } from '../../client/contracts.ts'
import { get } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago, lasting } from '../parts/ago.ts'
import { errorLine } from '../parts/error-line.ts'
import { Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { Pager } from '../parts/pager.ts'
import { empty, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { statusChips, statusesOf } from '../parts/status-chips.ts'
import { place, to } from '../route.ts'
import { count } from '../words.ts'

const STATUSES = ['queuing', 'inprogress', 'completed', 'failed', 'cancelled']
const WORDS: Record<string, string> = { queuing: 'queued', inprogress: 'running' }

/** Plans of several steps that are carried out. */
export function Requests(): VNode {
  const { query } = place.value
  const filter = { status: query.get('status') ?? undefined, cursor: query.get('cursor') ?? undefined }
  const page = useLoad(JSON.stringify(filter), (signal) => get<RequestList>('/v1/requests', filter, signal))
  return html`
    <${Head} title="Requests" sub="Steps one after another, the jobs of a step at the same time." />
    ${statusChips(STATUSES, (each) => WORDS[each] ?? each)}
    <div class="card">${when(page, ({ items, next_cursor }) =>
      items.length === 0
        ? empty(
            statusesOf(query.get('status')).length > 0 ? 'No request matches' : 'There are no requests yet',
            'A request is a plan of steps: POST /v1/requests, or npx hasty requests create.',
            'requests',
          )
        : html`${list<RequestSummary>({
            caption: 'Requests, newest first',
            rows: items,
            keyOf: ({ request_id }) => request_id,
            columns,
          })}
            <${Pager} text=${`${count(items.length)} shown, newest first`} next=${next_cursor} />`,
    )}</div>`
}

const columns: Column<RequestSummary>[] = [
  {
    head: 'Request',
    look: 'first half',
    cell: ({ request_id, name, definition }) => html`
      <div class="clip"><a class="main-link" href=${to(`/requests/${request_id}`)}><bdi>${name ?? request_id}</bdi>
        </a></div>
      <div class="second clip">
        ${definition === null ? request_id : `${definition.name}, version ${definition.version}`}</div>`,
  },
  { head: 'Status', look: 'tight bare', cell: ({ status: state }) => status(state) },
  { head: 'Step', look: 'tight', cell: ({ step }) => step ?? '' },
  { head: 'Created', look: 'tight', cell: ({ created_at }) => ago(created_at) },
  { head: 'Took', look: 'num tight', cell: ({ created_at, finished_at }) => lasting(created_at, finished_at) },
  {
    head: 'Error',
    look: 'wide half',
    cell: ({ error }) => errorLine(error),
  },
]
