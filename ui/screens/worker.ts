import type { VNode } from 'preact'
import type { WorkerAttempt, WorkerAttempts, WorkerDetail } from '../../client/contracts.ts'
import { get } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago, lasting } from '../parts/ago.ts'
import { errorLine } from '../parts/error-line.ts'
import { factsOf } from '../parts/facts.ts'
import { card, Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { empty, note, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { to } from '../route.ts'
import { count, counted } from '../words.ts'
import { slotBar, workerState } from './workers.ts'

type RunningJob = WorkerDetail['running_jobs'][number]

/** One worker: what it runs now, and how its last attempts ended. */
export function Worker({ parts: [id = ''] }: { parts: string[] }): VNode {
  const path = `/v1/workers/${encodeURIComponent(id)}`
  const worker = useLoad(id, (signal) => get<WorkerDetail>(path, {}, signal))
  const attempts = useLoad(id, (signal) => get<WorkerAttempts>(`${path}/attempts`, { limit: '50' }, signal))
  const parent = { word: 'Workers', address: '/workers' }
  return html`
    <${Head} title=${id} parent=${parent} sub=${worker.data && status(workerState(worker.data))} />
    ${when(
      worker,
      (found) => html`
      ${troubleOf(found)}
      <div class="split">
        <div class="stack">
          ${card(
            'Runs now',
            found.running_jobs.length === 0
              ? empty('Nothing', IDLE[workerState(found)], 'wait')
              : list<RunningJob>({
                  caption: 'Jobs that it runs, longest first',
                  rows: found.running_jobs,
                  keyOf: ({ job_id }) => job_id,
                  columns: runningColumns,
                }),
          )}
          ${card(
            'Last attempts',
            when(attempts, ({ items }) =>
              items.length === 0
                ? empty('No attempt has ended yet', '', 'wait')
                : list<WorkerAttempt>({
                    caption: 'Attempts, last ended first',
                    rows: items,
                    keyOf: ({ job_id, started_at }) => job_id + started_at,
                    columns: attemptColumns,
                  }),
            ),
          )}
        </div>
        <${About} worker=${found} />
      </div>`,
    )}`
}

/** Why a worker runs nothing, by its state. */
const IDLE: Record<string, string> = {
  live: 'It waits for jobs.',
  stopped: 'It has stopped, and takes no more jobs.',
  silent: 'It fell silent, and takes no more jobs.',
}

function troubleOf(worker: WorkerDetail): VNode | null {
  if (workerState(worker) === 'silent')
    return note('bad', 'away', html`It fell silent ${ago(worker.beat_at)}. What it ran was handed to others.`)
  if (worker.abandoned === 0) return null
  const handlers = counted(worker.abandoned, 'handler')
  return note('warn', 'failed', `${handlers} ignore that they were told to stop, and hold their slots.`)
}

function About({ worker }: { worker: WorkerDetail }): VNode {
  return card(
    'Facts',
    factsOf({
      Slots: worker.live ? slotBar(worker.running, worker.slots) : count(worker.slots),
      Ended: counted(worker.processed, 'attempt'),
      Failed: count(worker.failed),
      Cancelled: count(worker.cancelled),
      'Tried again': count(worker.retried),
      Host: worker.host,
      Process: String(worker.pid),
      Version: worker.version,
      Since: ago(worker.since),
      'Last sign': ago(worker.beat_at),
      Stopped: ago(worker.stopped_at),
      Types: html`<div class="chips">${worker.types.map(
        (type) => html`<a key=${type} class="chip"
        href=${to(`/types/${type}`)}>${type}</a>`,
      )}</div>`,
    }),
  )
}

const jobLink = ({ job_id, type }: { job_id: string; type: string }): VNode =>
  html`<div class="clip"><a class="main-link mono" href=${to(`/jobs/${job_id}`)}>${job_id}</a></div><div
    class="second">${type}</div>`

const runningColumns: Column<RunningJob>[] = [
  { head: 'Job', look: 'first', cell: jobLink },
  { head: 'Attempt', look: 'num', cell: ({ attempt }) => String(attempt) },
  { head: 'For', look: 'tight', cell: ({ started_at }) => lasting(started_at, null) },
  {
    head: 'State',
    look: 'tight bare',
    cell: ({ abandoned }) => (abandoned ? status('stalled', 'ignores its end') : status('running')),
  },
]

const attemptColumns: Column<WorkerAttempt>[] = [
  { head: 'Job', look: 'first half', cell: jobLink },
  { head: 'Outcome', look: 'tight bare', cell: ({ outcome }) => status(outcome) },
  { head: 'Attempt', look: 'num', cell: ({ attempt }) => String(attempt) },
  { head: 'Took', look: 'num', cell: ({ started_at, ended_at }) => lasting(started_at, ended_at) },
  { head: 'Ended', look: 'tight', cell: ({ ended_at }) => ago(ended_at) },
  {
    head: 'Error',
    look: 'wide half',
    cell: ({ error }) => errorLine(error),
  },
]
