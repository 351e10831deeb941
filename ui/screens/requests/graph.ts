import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Plan, RequestView } from '../../../client/contracts.ts'
import { type Content, html } from '../../html.ts'
import { lasting } from '../../parts/ago.ts'
import { icon } from '../../parts/icon.ts'
import { status, toneOf } from '../../parts/status.ts'
import { to } from '../../route.ts'
import { count, exactHere } from '../../words.ts'
import { type Node, rowsOf, type StepJob, tallyOf, type Waiting } from './layout.ts'

type Step = Waiting<RequestView['steps'][number]>
type PlanStep = Plan[number]

/** The plan as columns of steps, with what became of each job. It stands still while it lives: only states change. */
export function Graph({ request, plan }: { request: RequestView; plan: Plan | undefined }): VNode {
  return html`<div class="graph" role="group" aria-label="Steps of the request" tabindex="0">
    ${request.steps.map((step, n) => html`<${StepColumn} key=${step.name} step=${step} planned=${plan?.[n]} />`)}
    ${
      request.undone.length > 0 &&
      html`<section class="graph-step undo"><header>${icon('undo')}<h3 class="grow">Undone</h3></header>
      ${request.undone.map(
        (job) => html`<${JobNode} key=${job.step + job.name} name=${`${job.step}: ${job.name}`}
        job=${job} />`,
      )}</section>`
    }
  </div>`
}

function StepColumn({ step, planned }: { step: Step; planned: PlanStep | undefined }): VNode {
  const rows = rowsOf(step.jobs, planned?.jobs as Parameters<typeof rowsOf>[1])
  return html`<section class="graph-step ${toneOf(step.status)}">
    <header><h3 class="grow clip" title=${step.name}>${step.name}</h3>${status(step.status)}</header>
    <div class="second">${step.started_at === null ? '' : lasting(step.started_at, step.ended_at)}</div>
    ${
      rows.length === 0
        ? whatInstead(step, planned)
        : rows.map(
            (row, n) => html`<div key=${n} class="graph-row">
      ${n > 0 && html`<div class="graph-needs" aria-hidden="true"></div>`}
      ${row.map((node) => html`<${NodeOf} key=${node.name} node=${node} />`)}
    </div>`,
          )
    }
  </section>`
}

/** A step without jobs waits: for a signal, for a time, or for its turn. */
function whatInstead({ status: state, signal, sleep_until: until }: Step, planned: PlanStep | undefined): Content {
  const awaited = signal ?? planned?.signal
  if (awaited !== undefined) return wait('signal', `for the signal ${awaited}`, state)
  if (until !== undefined) return wait('wait', `until ${exactHere(until)}`, state)
  if (planned?.sleep_ms !== undefined || planned?.sleep_until !== undefined) return wait('wait', 'for a time', state)
  return state === 'inprogress' ? wait('signal', 'for a signal or a time', state) : ''
}

const wait = (drawing: 'signal' | 'wait', what: Content, state: string): VNode =>
  html`<div class="graph-node ${toneOf(state)}">${icon(drawing)}
    <span> ${state === 'completed' ? 'waited' : 'waits'} ${what}</span></div>`

function NodeOf({ node }: { node: Node }): VNode {
  const [isOpen, setOpen] = useState(false)
  const [first] = node.jobs
  if (!node.isForeach && first !== undefined)
    return html`<${JobNode} name=${node.name} job=${first} needs=${node.needs} isRequest=${node.isRequest} />`
  const { state, done, failed, whole } = tallyOf(node.jobs)
  return html`<div class="graph-node many ${toneOf(state)}">
    <div class="row"><strong class="grow clip">${node.name}</strong>${status(state)}</div>
    <span class="bar two-part" title=${`${done} done, ${failed} failed, ${whole} in all`}>
      <i class="ok" style=${{ width: `${(100 * done) / whole}%` }}></i><i class="bad"
        style=${{ width: `${(100 * failed) / whole}%` }}></i></span>
    <button class="link" aria-expanded=${String(isOpen)}
      onClick=${() => setOpen(!isOpen)}>${count(done)} of ${count(whole)} items</button>
    ${
      isOpen &&
      html`<ul class="graph-items">${node.jobs.map(
        (job) => html`<li
      key=${job.name}>${nameOf(job.name, job, node.isRequest)} ${status(job.status)}</li>`,
      )}</ul>`
    }
  </div>`
}

interface JobNodeProps {
  name: string
  job: StepJob
  needs?: string[]
  isRequest?: boolean
}

function JobNode({ name, job, needs = [], isRequest = false }: JobNodeProps): VNode {
  const last = job.attempts.at(-1)
  const hints = [
    last === undefined ? '' : lasting(last.started_at, last.ended_at),
    job.attempts.length > 1 ? ` · ${job.attempts.length} attempts` : '',
    needs.length > 0
      ? html` · <span title=${`It begins when ${needs.join(' and ')} are completed`}>after ${needs.join(', ')}</span>`
      : '',
  ]
  return html`<div class="graph-node ${toneOf(job.status)}">
    <div class="row"><span class="grow clip">${nameOf(name, job, isRequest)}</span>${status(job.status)}</div>
    <div class="second">${hints}</div>
    ${
      job.error !== null &&
      html`<div class="wrong clip" title=${job.error.message}><bdi>${job.error.message}</bdi>
      </div>`
    }
  </div>`
}

/** A job of the plan that is a request of its own leads to that request. */
const nameOf = (name: string, { job_id }: StepJob, isRequest: boolean): Content =>
  job_id === null ? name : html`<a href=${to(`/${isRequest ? 'requests' : 'jobs'}/${job_id}`)}>${name}</a>`
