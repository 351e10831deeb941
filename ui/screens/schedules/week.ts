// A week as a table of hours, in the time of the browser. A day of a change of the clocks has 23 or 25 hours: the
// hour that comes twice is one row, with the ticks of both.

import type { ScheduleCalendar } from '../../../client/contracts.ts'

type Hour = ScheduleCalendar['hours'][number]

export interface HourCell {
  at: Date
  ticks: number
  schedules: Hour['schedules']
}

/** Midnight before the Monday of the moment's week. */
export function startOfWeek(ms: number): Date {
  const at = new Date(ms)
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() - ((at.getDay() + 6) % 7))
}

/** The day of a moment, as an address has it: 2026-11-30. */
export function dayOf(ms: number): string {
  const at = new Date(ms)
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
}

export interface Week {
  days: Date[]
  /** Rows of hours, each with a cell for every day; null: no tick. */
  cells: (HourCell | null)[][]
  /** The most ticks of an hour. */
  most: number
}

/**
 * The hours whose ticks are counted. Where the counting stopped, it stopped within the schedule that every hour names
 * last: from there on an hour would show the few ticks of the schedules before it.
 */
export function countedHours({ hours, truncated }: Pick<ScheduleCalendar, 'hours' | 'truncated'>): readonly Hour[] {
  if (!truncated) return hours
  let last: string | undefined
  for (const { schedules } of hours)
    if (last === undefined || schedules.some(({ name }) => name === last)) last = schedules.at(-1)?.name
  const cut = hours.findLastIndex(({ schedules }) => schedules.some(({ name }) => name === last))
  return hours.slice(0, Math.max(1, cut))
}

export function hoursOfWeek(start: Date, hours: readonly Hour[]): Week {
  const days = Array.from({ length: 7 }, (_, n) => new Date(start.getFullYear(), start.getMonth(), start.getDate() + n))
  const cells: (HourCell | null)[][] = Array.from({ length: 24 }, () => days.map(() => null))
  for (const { t, ticks, schedules } of hours) {
    const at = new Date(t)
    const day = days.findIndex((each) => dayOf(each.getTime()) === dayOf(at.getTime()))
    const row = cells[at.getHours()]
    if (day === -1 || row === undefined) continue
    const before = row[day]
    row[day] = {
      at,
      ticks: ticks + (before?.ticks ?? 0),
      schedules: addUp([...(before?.schedules ?? []), ...schedules]),
    }
  }
  return { days, cells, most: Math.max(1, ...hours.map(({ ticks }) => ticks)) }
}

function addUp(schedules: Hour['schedules']): Hour['schedules'] {
  const sums = new Map<string, number>()
  for (const { name, ticks } of schedules) sums.set(name, ticks + (sums.get(name) ?? 0))
  return [...sums].map(([name, ticks]) => ({ name, ticks }))
}
