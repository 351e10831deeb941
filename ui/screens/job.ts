import type { VNode } from 'preact'
import type { JobView, Why as WhyView } from '../../client/contracts.ts'
import type { EventNote } from '../../shared/contracts/log/job.ts'
import { codeOf, get, hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago, lasting } from '../parts/ago.ts'
import { copyable } from '../parts/copy.ts'
import { factsOf } from '../parts/facts.ts'
import { card, Head } from '../parts/head.ts'
import { json, jsonCard } from '../parts/json.ts'
import { note, problem, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { to } from '../route.ts'
import { backoffOf, duration } from '../words.ts'
import { JobActions } from './job/actions.ts'
import { ErrorCard } from './job/error.ts'
import { Events } from './job/events.ts'
import { Gantt } from './job/gantt.ts'
import { roundStartsOf, waitOf } from './job/spans.ts'
import { Why } from './job/why.ts'

interface Facts {
  job: JobView
  /** null: the broker, which alone knows, does not answer. */
  why: WhyView | null
  events: EventNote[] | null
}

/** What only the broker knows is left out while it is away: the store still has the job. */
async function unlessAway<Fact>(asked: Promise<Fact>): Promise<Fact | null> {
  try {
    return await asked
  } catch (error) {
    const code = codeOf(error)
    if (code === 'unavailable' || code === 'unreachable') return null
    throw error
  }
}

const AWAY = 'Why it is where it is, and its history, cannot be told while the broker is away.'

/** One job: what happened to it, why it is where it is, and what can be done. */
export function Job({ parts: [id = ''] }: { parts: string[] }): VNode {
  const path = `/v1/jobs/${encodeURIComponent(id)}`
  const loaded = useLoad<Facts>(id, async (signal) => {
    const [job, why, history] = await Promise.all([
      hasty.get(id, { signal }) as Promise<JobView>,
      unlessAway(hasty.why(id, { signal })),
      unlessAway(get<{ items: EventNote[] }>(`${path}/events`, {}, signal)),
    ])
    return { job, why, events: history?.items ?? null }
  })
  const { data } = loaded
  const parent = { word: 'Jobs', address: '/jobs' }
  if (data === undefined)
    return html`<${Head} title="Job" name=${id} parent=${parent} /><div class="card">${when(loaded, () => '', 10)}</div>
      ${
        codeOf(loaded.error) === 'job-not-found' &&
        html`<p class="muted">Requests have ids of the same form: <a
        href=${to(`/requests/${id}`)}>look for a request with this id</a>.</p>`
      }`
  const { job, why, events } = data
  const starts = roundStartsOf(job, events)
  return html`
    <${Head} parent=${parent} name=${job.object_id} title=${html`<bdi>${job.object_id}</bdi>`}
      sub=${html`<div class="row">${status(job.phase)} <a
        href=${to(`/types/${job.type}`)}>${job.type}</a> ${copyable(job.job_id, 'the id of the job')}</div>`}>
      <${JobActions} job=${job} done=${loaded.reload} />
    </${Head}>
    ${loaded.error !== undefined && problem(loaded.error, loaded.reload)}
    ${why === null ? note('warn', 'away', AWAY) : html`<${Why} why=${why} />`}
    <div class="split">
      <div class="stack">
        <${Gantt} job=${job} starts=${starts} />
        ${job.error !== null && html`<${ErrorCard} error=${job.error} reason=${job.reason} />`}
        <div class="two">
          ${jsonCard('Payload', job.payload ?? null)}
          ${job.status === 'finished' && jsonCard('Result', job.result ?? null)}
        </div>
        ${events !== null && html`<${Events} events=${events} />`}
      </div>
      <div class="stack">
        ${job.progress !== null && job.finished_at === null && html`<${Progress} progress=${job.progress} />`}
        <${FactsCard} job=${job} wait=${waitOf(job, starts)} />
        <${Related} job=${job} why=${why} />
      </div>
    </div>`
}

function Progress({ progress }: { progress: NonNullable<JobView['progress']> }): VNode {
  return card(
    'Progress',
    html`<div class="body stack tight">
    <div class="row"><strong>${progress.percent} %</strong><span class="muted">${progress.message ?? ''}</span></div>
    <span class="bar"><i style=${{ width: `${progress.percent}%` }}></i></span>
    ${progress.data != null && json(progress.data, 'Data of the progress')}
    <span class="muted">told ${ago(progress.at)}</span>
  </div>`,
  )
}

function FactsCard({ job, wait }: { job: JobView; wait: [number, number] | null }): VNode {
  const { backoff, tags } = job
  const isOver = job.finished_at !== null
  return card(
    'Facts',
    factsOf({
      Created: ago(job.created_at),
      Due: isOver ? null : ago(job.due_at),
      Started: ago(job.started_at),
      Ended: ago(job.finished_at),
      Waited: wait && duration(wait[1] - wait[0]),
      'In all': lasting(job.created_at, job.finished_at),
      Priority: job.priority,
      Attempts: `${job.attempts.at(-1)?.attempt ?? 0} of ${job.max_attempts}`,
      Round: job.round > 1 ? String(job.round) : null,
      'Time limit': duration(job.timeout_ms),
      'Back-off': backoffOf(backoff),
      Tenant: job.tenant,
      Tags: tags && html`<div class="chips">${tags.map(tagLink)}</div>`,
      Callback: job.callback_url && html`<span class="mono">${job.callback_url}</span>`,
    }),
  )
}

const tagLink = (tag: string): VNode =>
  html`<a key=${tag} class="chip" href=${to(`/jobs?tag=${encodeURIComponent(tag)}`)}>${tag}</a>`

const idLink = (address: string, id: string | undefined): VNode | undefined =>
  id === undefined ? undefined : html`<a class="mono" href=${to(`${address}/${id}`)}>${id}</a>`

/** Where it came from and what came of it. */
function Related({ job, why }: { job: JobView; why: WhyView | null }): VNode {
  const { trace_id: trace } = job
  const schedule = /^schedule:(.+)$/.exec(job.object_id)?.[1]
  const ofObject = to(`/jobs?object_id=${encodeURIComponent(job.object_id)}`)
  return card(
    'Related',
    factsOf({
      Object: html`<a href=${ofObject}>all jobs of this object</a>`,
      Type: html`<a href=${to(`/jobs?type=${job.type}&status=failed`)}>failed jobs of this type</a>`,
      Request: idLink('/requests', why?.next.request_id),
      Schedule: schedule && html`<a href=${to(`/schedules/${encodeURIComponent(schedule)}`)}>${schedule}</a>`,
      Parent: idLink('/jobs', job.parent_job_id),
      Children: job.children && html`<ul>${job.children.map(childLink)}</ul>`,
      Trace: trace && html`<code>${trace}</code>`,
      'Log lines': html`<span class="muted">are in the worker’s own log, with this <code>job_id</code>.</span>`,
    }),
  )
}

const childLink = ({ name, job_id, type }: NonNullable<JobView['children']>[number]): VNode =>
  html`<li key=${job_id}><a href=${to(`/jobs/${job_id}`)}>${name}</a> <span class="muted">${type}</span></li>`
