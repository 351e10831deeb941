import type { VNode } from 'preact'
import type { ScheduleCalendar } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { nowMs } from '../clock.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { closeFoot, showDialog } from '../parts/dialog.ts'
import { Head } from '../parts/head.ts'
import { icon } from '../parts/icon.ts'
import { note, when } from '../parts/states.ts'
import { place, setQuery, to } from '../route.ts'
import { count, counted } from '../words.ts'
import { countedHours, dayOf, type HourCell, hoursOfWeek, startOfWeek } from './schedules/week.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })

/** A week of ticks, hour by hour. */
export function Calendar(): VNode {
  const asked = Date.parse(`${place.value.query.get('week') ?? ''}T00:00:00`)
  const start = startOfWeek(Number.isNaN(asked) ? nowMs() : asked)
  const end = startOfWeek(start.getTime() + 7.5 * DAY_MS)
  // What has passed is not looked at: the counting stops after a while, and should come as far as it can.
  const fromMs = Math.max(start.getTime(), Math.min(nowMs(), end.getTime() - 1))
  const range = { from: new Date(Math.floor(fromMs / HOUR_MS) * HOUR_MS), to: end }
  const loaded = useLoad(range.from.toISOString(), (signal) => hasty.overview.calendar({ ...range, signal }), {
    gapMs: 30_000,
  })
  const toWeek = (days: number) => () => setQuery({ week: dayOf(start.getTime() + (days + 0.5) * DAY_MS) })
  return html`
    <${Head} title="Calendar" parent=${{ word: 'Schedules', address: '/schedules' }}
      sub=${`${dayName.format(start)} to ${dayName.format(end.getTime() - 1)}, in the time of this browser`}>
      <button class="button" onClick=${toWeek(-7)}>${icon('left')} Week before</button>
      <button class="button" onClick=${() => setQuery({ week: null })}>This week</button>
      <button class="button" onClick=${toWeek(7)}>Week after ${icon('right')}</button>
    </${Head}>
    <div class="card">${when(
      loaded,
      (calendar) => html`
      ${calendar.truncated && note('warn', 'info', cutNote(calendar))}
      <${Week} start=${start} hours=${countedHours(calendar)} />`,
      12,
    )}</div>`
}

const cutNote = ({ schedules_counted, schedules_total }: ScheduleCalendar): string =>
  `There are too many ticks to count them all: ${count(schedules_counted)} of ${counted(schedules_total, 'schedule')}, ` +
  'by name, are counted whole, and hours without a number are not known.'

function Week({ start, hours }: { start: Date; hours: readonly ScheduleCalendar['hours'][number][] }): VNode {
  const { days, cells, most } = hoursOfWeek(start, hours)
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label="Ticks of the week, hour by hour"><table
    class="week">
    <thead><tr><th scope="col"><span class="visually-hidden">Hour</span></th>
      ${days.map(
        (day) => html`<th key=${day.getTime()} scope="col"
        class=${dayOf(day.getTime()) === dayOf(nowMs()) ? 'today' : ''}>${dayName.format(day)}</th>`,
      )}</tr></thead>
    <tbody>${cells.map(
      (row, hour) => html`<tr key=${hour}>
      <th scope="row">${String(hour).padStart(2, '0')}</th>
      ${row.map(
        (cell, day) =>
          html`<td key=${day}>${
            cell !== null &&
            html`<${Cell} cell=${cell}
        most=${most} />`
          }</td>`,
      )}</tr>`,
    )}</tbody>
  </table></div>`
}

function Cell({ cell, most }: { cell: HourCell; most: number }): VNode {
  const share = Math.max(0.14, Math.log1p(cell.ticks) / Math.log1p(most))
  const label = `${counted(cell.ticks, 'tick')} of ${cell.schedules.map(({ name }) => name).join(', ')}`
  return html`<button class="week-cell" title=${label} aria-label=${label} onClick=${() => showHour(cell)}>
    <i style=${{ opacity: share }}></i><span>${count(cell.ticks)}</span></button>`
}

function showHour({ at, ticks, schedules }: HourCell): void {
  const title = `${dayName.format(at)}, ${String(at.getHours()).padStart(2, '0')} o’clock`
  showDialog(
    title,
    (close) => html`
      <p>${counted(ticks, 'tick')} of ${counted(schedules.length, 'schedule')}.</p>
      <ul class="stack tight">${schedules.map(
        ({ name, ticks: own }) => html`<li key=${name} class="row">
          <a class="grow" href=${to(`/schedules/${encodeURIComponent(name)}`)} onClick=${close}>${name}</a>
          <span class="muted">${counted(own, 'tick')}</span></li>`,
      )}</ul>
      ${closeFoot(close)}`,
  )
}
