import type { VNode } from 'preact'
import type { ScheduleView } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { ago } from '../parts/ago.ts'
import { beforeMessage } from '../parts/error-line.ts'
import { factsOf } from '../parts/facts.ts'
import { card, Head } from '../parts/head.ts'
import { jsonCard } from '../parts/json.ts'
import { note, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { place, to } from '../route.ts'
import { exactHere } from '../words.ts'
import { deleteSchedule, pauseOrResumeSchedule, triggerNow } from './schedules/change-schedule.ts'
import { editSchedule } from './schedules/edit-schedule.ts'
import { rhythmOf } from './schedules.ts'

/** One schedule: when it ticks, what it makes, how the last tick went. */
export function Schedule({ parts: [name = ''] }: { parts: string[] }): VNode {
  const tenant = place.value.query.get('tenant') ?? undefined
  const loaded = useLoad(`${name} ${tenant}`, (signal) => hasty.schedules.get(name, { tenant, signal }))
  const parent = { word: 'Schedules', address: '/schedules' }
  const { data, reload } = loaded
  if (data === undefined)
    return html`<${Head} title=${name} parent=${parent} /><div class="card">${when(loaded, () => '')}</div>`
  const edit = {
    word: 'Edit',
    drawing: 'settings',
    scope: 'jobs:write',
    run: () => editSchedule(data, reload),
  } as const
  return html`
    <${Head} title=${name} parent=${parent} sub=${html`<div
      class="row">${status(data.paused ? 'paused' : 'live')} ${rhythmOf(data)}</div>`}>
      ${action({ ...triggerNow(data, reload), isPrimary: true })} ${action(pauseOrResumeSchedule(data, reload))}
      ${action(edit)} ${action(deleteSchedule(data))}
    </${Head}>
    ${
      data.last_error !== null &&
      note(
        'bad',
        'failed',
        html`<strong>The tick ${ago(data.last_error.tick_at)} made no job.</strong>
          <div>${beforeMessage(data.last_error)}${data.last_error.message}</div>`,
      )
    }
    <div class="two">
      <div class="stack"><${Ticks} schedule=${data} />
        ${data.job.payload !== undefined && jsonCard('Payload of its jobs', data.job.payload)}</div>
      <${About} schedule=${data} />
    </div>`
}

function Ticks({ schedule }: { schedule: ScheduleView }): VNode {
  const { next_runs } = schedule
  if (next_runs.length === 0)
    return card(
      'Next ticks',
      html`<p class="body muted">${schedule.paused ? 'None while it is paused.' : 'None: its end has passed.'}</p>`,
    )
  return card(
    'Next ticks',
    html`<ol class="body stack tight">${next_runs.map(
      (at) => html`<li key=${at} class="row">
    <span class="grow">${ago(at)}</span><span class="muted">${exactHere(at)}</span></li>`,
    )}</ol>`,
  )
}

function About({ schedule }: { schedule: ScheduleView }): VNode {
  const { job, last_job_id } = schedule
  const object = job.object_id ?? `schedule:${schedule.name}`
  return card(
    'Facts',
    factsOf({
      Every: rhythmOf(schedule),
      Type: html`<a href=${to(`/types/${job.type}`)}>${job.type}</a>`,
      Jobs: html`<a href=${to(`/jobs?object_id=${encodeURIComponent(object)}`)}>all that it made</a>`,
      'Last tick': ago(schedule.last_tick_at),
      'Last job': last_job_id && html`<a class="mono" href=${to(`/jobs/${last_job_id}`)}>${last_job_id}</a>`,
      'Missed ticks': { latest: 'the latest is made up for', skip: 'are skipped', all: 'are all made up for' }[
        schedule.on_missed
      ],
      Begins: ago(schedule.starts_at),
      Ends: ago(schedule.ends_at),
      Tenant: schedule.tenant,
      Created: ago(schedule.created_at),
      Changed: ago(schedule.updated_at),
    }),
  )
}
