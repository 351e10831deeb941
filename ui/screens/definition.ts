import type { VNode } from 'preact'
import type { DefinitionView, Plan } from '../../client/contracts.ts'
import { get, hasty } from '../api.ts'
import { type Content, html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { ago } from '../parts/ago.ts'
import { ask } from '../parts/dialog.ts'
import { textOf } from '../parts/form.ts'
import { card, Head } from '../parts/head.ts'
import { icon } from '../parts/icon.ts'
import { jsonCard } from '../parts/json.ts'
import { JsonField } from '../parts/json-field.ts'
import { when } from '../parts/states.ts'
import { go, place, setQuery } from '../route.ts'
import { duration } from '../words.ts'

type Step = Plan[number]
type Job = NonNullable<Step['jobs']>[number]

const START = { word: 'Start one', drawing: 'play', scope: 'jobs:write', isPrimary: true } as const

/** One plan, as columns of steps. */
export function Definition({ parts: [name = ''] }: { parts: string[] }): VNode {
  const { query } = place.value
  const asked = { version: query.get('version') ?? undefined, tenant: query.get('tenant') ?? undefined }
  const path = `/v1/definitions/${encodeURIComponent(name)}`
  const loaded = useLoad(JSON.stringify([name, asked]), (signal) => get<DefinitionView>(path, asked, signal), {
    isLive: false,
  })
  const parent = { word: 'Definitions', address: '/definitions' }
  if (loaded.data === undefined)
    return html`<${Head} title=${name} parent=${parent} /><div class="card">${when(loaded, () => '')}</div>`
  const { version, steps, created_at } = loaded.data
  const toVersion = (other: number) => () => setQuery({ version: String(other) })
  return html`
    <${Head} title=${name} parent=${parent} sub=${html`Version ${version}, since ${ago(created_at)}`}>
      <button class="button" disabled=${version <= 1}
        onClick=${toVersion(version - 1)}>${icon('left')} Version before</button>
      ${
        asked.version !== undefined &&
        html`<button class="button"
        onClick=${() => setQuery({ version: null })}>Latest</button>`
      }
      ${action({ ...START, run: () => start(name, version) })}
    </${Head}>
    ${card(
      'Steps',
      html`<div class="graph" role="group" aria-label="Steps of the plan"
      tabindex="0">${steps.map((step) => html`<${PlanStep} key=${step.name} step=${step} />`)}</div>`,
    )}
    ${jsonCard('Plan', steps)}`
}

function PlanStep({ step }: { step: Step }): VNode {
  return html`<section class="graph-step">
    <header><h3 class="grow clip">${step.name}</h3></header>
    ${step.if !== undefined && html`<div class="second">only if <code>${step.if.value}</code></div>`}
    ${
      step.signal !== undefined &&
      html`<div
      class="graph-node">${icon('signal')} waits for the signal ${step.signal}</div>`
    }
    ${
      step.sleep_ms !== undefined &&
      html`<div
      class="graph-node">${icon('wait')} waits ${duration(step.sleep_ms)}</div>`
    }
    ${
      step.sleep_until !== undefined &&
      html`<div
      class="graph-node">${icon('wait')} waits until ${step.sleep_until}</div>`
    }
    ${step.jobs?.map(
      (job) => html`<div key=${job.name} class="graph-node"><strong>${job.name}</strong><div
      class="second">${workOf(job)}</div></div>`,
    )}
  </section>`
}

const workOf = (job: Job): Content[] => [
  job.type ?? (job.service === undefined ? `the definition ${job.definition}` : `the service ${job.service}`),
  job.foreach === undefined ? '' : html` · for each of <code>${job.foreach}</code>`,
  job.needs === undefined || job.needs.length === 0 ? '' : ` · after ${job.needs.join(', ')}`,
  job.compensate === undefined ? '' : ' · can be undone',
]

const start = (name: string, version: number): void =>
  ask({
    title: `Start ${name}`,
    text: `A request by version ${version} of this plan.`,
    verb: 'Start it',
    fields: html`<label class="field"><span>Name</span><input name="name" maxlength="128" /></label>
      <${JsonField} name="params" word="Params" rows="6" example='{"order": 7}' isObject />`,
    run: async (form) => {
      const [own, params] = [textOf(form, 'name'), textOf(form, 'params')]
      const request = await hasty.createRequest({
        definition: name,
        version,
        ...(own === '' ? {} : { name: own }),
        ...(params === '' ? {} : { params: JSON.parse(params) as Record<string, unknown> }),
      })
      go(`/requests/${request.request_id}`)
    },
  })
