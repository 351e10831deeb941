import type { VNode } from 'preact'
import type { DefinitionView, RequestView } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { now } from '../clock.ts'
import { type Content, html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago, lasting } from '../parts/ago.ts'
import { copyable } from '../parts/copy.ts'
import { beforeMessage } from '../parts/error-line.ts'
import { factsOf } from '../parts/facts.ts'
import { card, Head } from '../parts/head.ts'
import { jsonCard } from '../parts/json.ts'
import { note, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { to } from '../route.ts'
import { byClock, counted, exact } from '../words.ts'
import { RequestActions } from './requests/actions.ts'
import { Graph } from './requests/graph.ts'
import type { Waiting } from './requests/layout.ts'

/** One request: its steps and jobs as they go, what it waits for, what was undone. */
export function Request({ parts: [id = ''] }: { parts: string[] }): VNode {
  const loaded = useLoad(id, (signal) => hasty.getRequest(id, { signal }))
  const { data: request, reload } = loaded
  const { name, version } = request?.definition ?? {}
  const definition = useLoad<DefinitionView>(
    name === undefined ? null : `${name} ${version}`,
    (signal) => hasty.getDefinition(name ?? '', { version, signal }),
    { isLive: false },
  )
  const plan = definition.data?.steps
  const parent = { word: 'Requests', address: '/requests' }
  if (request === undefined)
    return html`<${Head} title="Request" name=${id} parent=${parent} /><div
      class="card">${when(loaded, () => '', 10)}</div>`
  const waiting = request.steps.findIndex(({ status: state, jobs }) => state === 'inprogress' && jobs.length === 0)
  const step: Waiting<RequestView['steps'][number]> | undefined = request.steps[waiting]
  const signal = step?.signal ?? plan?.[waiting]?.signal
  return html`
    <${Head} title=${html`<bdi>${request.name ?? request.request_id}</bdi>`} name=${request.name ?? id} parent=${parent}
      sub=${html`<div class="row">${status(request.status)} ${copyable(id, 'the id of the request')}</div>`}>
      <${RequestActions} request=${request} signal=${signal} isWaiting=${waiting !== -1} done=${reload} />
    </${Head}>
    ${verdictOf(request, signal, step?.sleep_until)}
    ${card(
      'Steps',
      html`<${Graph} request=${request} plan=${plan} />`,
      html`<span
      class="muted">${lasting(request.created_at, request.finished_at)} in all</span>`,
    )}
    <div class="split">
      <div class="stack">
        <div class="two">${jsonCard('Params', request.params)} ${jsonCard('Extras', request.extras)}</div>
        <${History} events=${request.events} />
      </div>
      <${About} request=${request} />
    </div>`
}

function verdictOf(
  { error, status: state, step }: RequestView,
  signal: string | undefined,
  until: string | undefined,
): Content {
  if (error !== null)
    return note(
      state === 'failed' ? 'bad' : '',
      'failed',
      html`<strong>${beforeMessage(error)}</strong><bdi>${error.message}</bdi>`,
    )
  if (state !== 'inprogress') return null
  if (until !== undefined)
    return note('run', 'wait', html`The step <strong>${step}</strong> sleeps: it ends ${ago(until)}.`)
  if (signal === undefined) return null
  return note('run', 'signal', html`The step <strong>${step}</strong> waits for the signal <strong>${signal}</strong>.`)
}

function About({ request }: { request: RequestView }): VNode {
  const { definition, parent } = request
  return card(
    'Facts',
    factsOf({
      Created: ago(request.created_at),
      Ended: ago(request.finished_at),
      Step: request.step,
      Round: request.round > 1 ? String(request.round) : null,
      Definition:
        definition &&
        html`<a href=${to(`/definitions/${encodeURIComponent(definition.name)}?version=${definition.version}`)}>
          ${definition.name}, version ${definition.version}</a>`,
      Parent: parent && html`<a href=${to(`/requests/${parent.request_id}`)}>${parent.job} of another request</a>`,
      Tenant: request.tenant,
    }),
  )
}

const WORDS: Record<string, string> = {
  'request:created': 'Accepted',
  'request:step-started': 'Step began',
  'request:step-ended': 'Step ended',
  'request:extras-updated': 'Extras changed',
  'request:extras-conflict': 'Extras changed by two jobs at once',
  'request:signalled': 'Signal came',
  'request:undoing': 'Undoing',
  'request:retried': 'Tried again',
  'request:finished': 'Finished',
  'request:failed': 'Failed',
  'request:cancelled': 'Cancelled',
}

const detailOf = ({ step, job, members }: RequestView['events'][number]): string =>
  [step, job, members?.join(', ')].filter((part) => part !== undefined).join(' · ')

function History({ events }: { events: RequestView['events'] }): VNode {
  return card(
    'History',
    html`<ol class="events">${events.map(
      (event, n) => html`<li key=${n}>
    <time class="at" datetime=${event.at} title=${exact(event.at)}>${byClock(Date.parse(event.at), now.peek())}</time>
    <span class="what">${WORDS[event.event] ?? event.event} <span
      class="muted">${detailOf(event)}</span></span>
  </li>`,
    )}</ol>`,
    html`<span class="muted">${counted(events.length, 'event')}</span>`,
  )
}
