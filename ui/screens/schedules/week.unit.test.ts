import { expect, test } from 'vitest'
import { countedHours, dayOf, hoursOfWeek, startOfWeek } from './week.ts'

test('a week begins on the Monday, also seen from a Sunday', () => {
  for (const day of [30, 29].map((date) => new Date(2026, 10, date, 13))) {
    const start = startOfWeek(day.getTime())
    expect([start.getDay(), start.getHours()]).toEqual([1, 0])
  }
  expect(dayOf(startOfWeek(new Date(2026, 10, 29, 13).getTime()).getTime())).toBe('2026-11-23')
})

test('each hour has its place, hours of other weeks have none, and an hour that comes twice is one', () => {
  const start = startOfWeek(new Date(2026, 10, 30).getTime())
  const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, 30 + day, hour, minute).toISOString()
  const { cells, most, days } = hoursOfWeek(start, [
    { t: at(0, 3), ticks: 2, schedules: [{ name: 'a', ticks: 2 }] },
    {
      t: at(0, 3, 30),
      ticks: 5,
      schedules: [
        { name: 'a', ticks: 1 },
        { name: 'b', ticks: 4 },
      ],
    },
    { t: at(6, 23), ticks: 1, schedules: [{ name: 'c', ticks: 1 }] },
    { t: at(9, 1), ticks: 9, schedules: [{ name: 'd', ticks: 9 }] },
  ])
  expect(days).toHaveLength(7)
  expect(cells[3]?.[0]).toMatchObject({
    ticks: 7,
    schedules: [
      { name: 'a', ticks: 3 },
      { name: 'b', ticks: 4 },
    ],
  })
  expect(cells[23]?.[6]).toMatchObject({ ticks: 1 })
  expect(cells.flat().filter((cell) => cell !== null)).toHaveLength(2)
  expect(most).toBe(9)
})

test('hours after the counting stopped are left out, and so is the one in which it did', () => {
  const hour = (n: number, ...names: string[]) => ({
    t: new Date(2026, 10, 30, n).toISOString(),
    ticks: names.length,
    schedules: names.map((name) => ({ name, ticks: 1 })),
  })
  const hours = [hour(1, 'a', 'b'), hour(2, 'b'), hour(3, 'a', 'b'), hour(4, 'a'), hour(5, 'a')]
  expect(countedHours({ hours, truncated: true })).toEqual(hours.slice(0, 2))
  expect(countedHours({ hours, truncated: false })).toEqual(hours)
})
