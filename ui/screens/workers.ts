import type { VNode } from 'preact'
import type { WorkerView } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago } from '../parts/ago.ts'
import { Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { segments } from '../parts/segments.ts'
import { empty, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { place, setQuery, to } from '../route.ts'
import { count, counted } from '../words.ts'

/** A worker that was killed says nothing any more; one that was stopped said so. */
export const workerState = ({ live, stopped_at }: WorkerView): string =>
  live ? 'live' : stopped_at === null ? 'silent' : 'stopped'

/** The processes that run jobs. */
export function Workers(): VNode {
  const isAll = place.value.query.get('show') === 'all'
  const workers = useLoad(`workers ${isAll}`, (signal) =>
    hasty.workers.list({ ...(isAll ? {} : { live: true }), signal }),
  )
  const choose = (show: string) => setQuery({ show: show === 'all' ? 'all' : null })
  const slots = workers.data?.reduce((sum, { live, slots: own }) => sum + (live ? own : 0), 0)
  const busy = workers.data?.reduce((sum, { live, running }) => sum + (live ? running : 0), 0)
  const taken = slots === undefined ? ' ' : `${count(busy ?? 0)} of ${counted(slots, 'slot')} taken`
  return html`
    <${Head} title="Workers" sub=${taken}>
      ${segments(
        'Which workers',
        [
          ['live', 'Live'],
          ['all', 'All'],
        ],
        isAll ? 'all' : 'live',
        choose,
      )}
    </${Head}>
    <div class="card">${when(workers, (rows) =>
      rows.length === 0
        ? empty(
            'No worker is live',
            'No job runs in the job service until one starts. Workers over HTTP are not listed here.',
            'workers',
          )
        : list<WorkerView>({ caption: 'Workers, newest first', rows, keyOf: ({ worker_id }) => worker_id, columns }),
    )}</div>`
}

const columns: Column<WorkerView>[] = [
  {
    head: 'Worker',
    look: 'first',
    cell: ({ worker_id, host, pid, version }) => html`
      <a class="main-link" href=${to(`/workers/${encodeURIComponent(worker_id)}`)}>${worker_id}</a>
      <div class="second">${host}, process ${pid}, version ${version}</div>`,
  },
  { head: 'State', look: 'tight bare', cell: (worker) => status(workerState(worker)) },
  { head: 'Slots', look: 'tight', cell: ({ running, slots, live }) => live && slotBar(running, slots) },
  { head: 'Ended', look: 'num', cell: ({ processed }) => count(processed) },
  { head: 'Failed', look: 'num', cell: ({ failed }) => count(failed) },
  { head: 'Tried again', look: 'num', cell: ({ retried }) => count(retried) },
  { head: 'Since', look: 'tight', cell: ({ since }) => ago(since) },
  { head: 'Last sign', look: 'tight', cell: ({ beat_at }) => ago(beat_at) },
]

export const slotBar = (running: number, slots: number): VNode => html`<div class="row nowrap">
  <span class="bar"><i style=${{ width: `${(100 * running) / Math.max(1, slots)}%` }}></i></span>
  ${count(running)} of ${count(slots)}</div>`
