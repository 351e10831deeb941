import type { VNode } from 'preact'
import type { ScheduleList, ScheduleSummary } from '../../client/contracts.ts'
import { get } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { ago } from '../parts/ago.ts'
import { Head } from '../parts/head.ts'
import { icon } from '../parts/icon.ts'
import { type Column, list } from '../parts/list.ts'
import { Pager } from '../parts/pager.ts'
import { empty, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { addressOf, place, to } from '../route.ts'
import { count, duration } from '../words.ts'
import { triggerNow } from './schedules/change-schedule.ts'
import { editSchedule } from './schedules/edit-schedule.ts'

/** What makes jobs at times. */
export function Schedules(): VNode {
  const query = { cursor: place.value.query.get('cursor') ?? undefined }
  const schedules = useLoad(`schedules ${query.cursor}`, (signal) => get<ScheduleList>('/v1/schedules', query, signal))
  const add = action({
    word: 'New schedule',
    drawing: 'schedules',
    scope: 'jobs:write',
    isPrimary: true,
    run: () => editSchedule(null),
  })
  return html`
    <${Head} title="Schedules" sub="Each tick makes exactly one job.">
      <a class="button" href=${to('/schedules/calendar')}>${icon('schedules')} Calendar</a>${add}
    </${Head}>
    <div class="card">${when(schedules, ({ items: rows, next_cursor }) =>
      rows.length === 0 && query.cursor === undefined
        ? empty(
            'There are no schedules',
            'A schedule makes a job at each of its ticks, by cron or every so many seconds.',
            'schedules',
            add,
          )
        : html`${list<ScheduleSummary>({
            caption: 'Schedules',
            rows,
            keyOf: ({ name, tenant }) => `${tenant ?? ''} ${name}`,
            columns: [...columns, doColumn(schedules.reload)],
          })}
            ${
              (next_cursor !== null || query.cursor !== undefined) &&
              html`<${Pager} text=${`${count(rows.length)} shown, by name`} next=${next_cursor} />`
            }`,
    )}</div>`
}

export const rhythmOf = ({
  cron,
  every_ms,
  timezone,
}: Pick<ScheduleSummary, 'cron' | 'every_ms' | 'timezone'>): VNode =>
  cron === null
    ? html`<span>every ${duration(every_ms ?? 0)}</span>`
    : html`<span><code>${cron}</code> <span class="second">${timezone}</span></span>`

const columns: Column<ScheduleSummary>[] = [
  {
    head: 'Schedule',
    look: 'first',
    cell: (schedule) => html`
      <div class="clip"><a class="main-link" href=${to(addressOf('/schedules', schedule))}>${schedule.name}</a></div>
      <div class="second">${schedule.job.type}${schedule.tenant && ` · tenant ${schedule.tenant}`}</div>`,
  },
  { head: 'Every', look: 'tight', cell: rhythmOf },
  {
    head: 'Next',
    look: 'tight',
    cell: ({ next_run_at, paused }) => (paused ? status('paused') : ago(next_run_at) || 'never again'),
  },
  {
    head: 'Last',
    look: 'tight',
    cell: ({ last_tick_at }) => ago(last_tick_at) || html`<span class="muted">not yet</span>`,
  },
  {
    head: 'Last job',
    look: 'tight',
    cell: ({ last_job_id, last_error }) =>
      last_error !== null
        ? html`<span class="over" title=${last_error.message}>${status('failed', 'made none')}</span>`
        : last_job_id && html`<a href=${to(`/jobs/${last_job_id}`)}>${last_job_id.slice(0, 8)}…</a>`,
  },
]

const doColumn = (reload: () => void): Column<ScheduleSummary> => ({
  head: 'Actions',
  look: 'tight bare',
  cell: (schedule) => action(triggerNow(schedule, reload), 'small'),
})
