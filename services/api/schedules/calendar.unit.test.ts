import { expect, test } from 'vitest'
import { scheduleRecordSchema } from '#shared/contracts/http/schedules.ts'
import { calendarOf } from './calendar.ts'

const NOON = '2026-11-22T12:00:00.000Z'
const HOUR = 3_600_000
const noonMs = Date.parse(NOON)

const record = (name: string, fields: Record<string, unknown>) =>
  scheduleRecordSchema.parse({
    name,
    cron: null,
    every_ms: null,
    timezone: 'UTC',
    job: { type: 'sleep', object_id: 'x' },
    paused: false,
    on_missed: 'latest',
    starts_at: null,
    ends_at: null,
    created_at: NOON,
    updated_at: NOON,
    anchor: NOON,
    settled_until: NOON,
    changed_seq: null,
    last_tick_at: null,
    last_job_id: null,
    last_error: null,
    ...fields,
  })

test('each hour says how often each schedule ticks in it', () => {
  const records = [
    record('a', { cron: '*/20 * * * *' }),
    record('b', { every_ms: 45 * 60_000 }),
    record('c', { cron: '0 13 * * *', starts_at: '2026-11-23T00:00:00Z' }),
    record('d', { cron: '30 12 * * *', paused: true }),
    record('e', { cron: '* 13 * * *', ends_at: '2026-11-22T13:01:00Z' }),
  ]
  expect(calendarOf(records, noonMs, noonMs + 2 * HOUR, () => 0)).toEqual({
    hours: [
      {
        t: NOON,
        ticks: 5,
        schedules: [
          { name: 'a', ticks: 3 },
          { name: 'b', ticks: 2 },
        ],
      },
      {
        t: '2026-11-22T13:00:00.000Z',
        ticks: 6,
        schedules: [
          { name: 'a', ticks: 3 },
          { name: 'b', ticks: 1 },
          { name: 'e', ticks: 2 },
        ],
      },
    ],
    truncated: false,
    schedules_counted: 5,
    schedules_total: 5,
  })
})

test('a calendar of very many ticks is cut where they are too many, or take too long, and says so', () => {
  const often = [record('a', { every_ms: 1_000 })]
  const { hours, ...rest } = calendarOf(often, noonMs, noonMs + 48 * HOUR, () => 0)
  expect(rest).toEqual({ truncated: true, schedules_counted: 0, schedules_total: 1 })
  expect(hours.reduce((sum, { ticks }) => sum + ticks, 0)).toBe(10_000)
  let nowMs = 0
  const late = calendarOf(often, noonMs, noonMs + HOUR, () => nowMs++)
  expect(late).toMatchObject({ truncated: true, hours: [{ ticks: 39 }] })
})

test('a cut calendar says how many schedules are counted, also where most have no tick', () => {
  const hourly = Array.from({ length: 1_000 }, (_, n) => record(`s-${n}`, { cron: '0 * * * *' }))
  const own = calendarOf(hourly, noonMs, noonMs + 100 * HOUR, () => 0)
  expect(own).toMatchObject({ truncated: true, schedules_counted: 100, schedules_total: 1_000 })
  expect(own.hours.map(({ ticks }) => ticks)).toEqual(Array(100).fill(100))
  const yearly = hourly.map(({ name }) => record(name, { cron: '0 0 1 1 *' }))
  let nowMs = 0
  const none = calendarOf(yearly, noonMs, noonMs + HOUR, () => nowMs++)
  expect(none).toEqual({ hours: [], truncated: true, schedules_counted: 40, schedules_total: 1_000 })
})
