import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { isSettledAhead, settledFromNow, settledUntil } from '#shared/schedules/settled-until.ts'
import { NOW, testSchedule } from '#shared/schedules/test-schedule.ts'
import { DAY, HOUR, isoTime, MINUTE, SECOND } from '#shared/time/clock.ts'
import { dueTicks } from './due-ticks.ts'

test.each([
  ['a moment ahead, as clocks differ', { every_ms: SECOND }, 2 * SECOND, false],
  ['the next tick, made too early', { every_ms: HOUR }, HOUR, false],
  ['the next tick of a cron, made too early', { cron: '0 0 1 * *' }, 31 * DAY - 12 * HOUR, false],
  ['two ticks', { every_ms: HOUR }, 2 * HOUR, true],
  ['thirty days of seconds', { every_ms: SECOND }, 30 * DAY, true],
  ['thirty days of a daily cron', { cron: '0 0 * * *' }, 30 * DAY, true],
  ['what comes after its end', { every_ms: HOUR, ends_at: isoTime(NOW) }, 30 * DAY, false],
] as const)('settled ahead: %s', (_what, own, aheadMs, isAhead) => {
  const record = testSchedule({ ...own, settled_until: isoTime(NOW + aheadMs) })
  expect(isSettledAhead(record, NOW)).toBe(isAhead)
  expect(settledUntil(record, NOW)).toBe(isAhead ? isoTime(NOW) : record.settled_until)
})

test('an anchor that a clock put ahead holds back no tick', () => {
  const record = testSchedule({ every_ms: SECOND, anchor: isoTime(NOW + 30 * DAY) })
  expect(dueTicks(record, NOW + 2 * SECOND)?.run).toEqual([NOW + SECOND, NOW + 2 * SECOND])
})

/** The ticks that a keeper makes at a moment by its clock; a tick made before is not made again. */
function turn(record: ScheduleRecord, nowMs: number, made: Set<number>): ScheduleRecord {
  if (isSettledAhead(record, nowMs)) return settledFromNow(record, nowMs)
  const due = dueTicks(record, nowMs)
  if (due === null) return record
  for (const tickMs of due.run) made.add(tickMs)
  return { ...record, settled_until: isoTime(due.lastMs) }
}

const shifts = fc.array(
  fc.oneof(
    fc.constantFrom(-30 * DAY, -HOUR, -2 * SECOND, 2 * SECOND, HOUR, 30 * DAY),
    fc.integer({ min: -60 * DAY, max: 60 * DAY }),
  ),
  { maxLength: 4 },
)
const timings = fc.oneof(
  fc.integer({ min: 1, max: 7_200 }).map((s) => ({ every_ms: s * SECOND })),
  fc.constantFrom('* * * * *', '*/5 * * * *', '0 * * * *').map((cron) => ({ cron })),
)

test('whatever clocks said meanwhile, with the right one each tick is made from the first turn on', () => {
  const missed = fc.constantFrom('latest', 'skip', 'all')
  fc.assert(
    fc.property(timings, missed, shifts, (timing, on_missed, wrong) => {
      const made = new Set<number>()
      let record = testSchedule({ ...timing, on_missed })
      let realMs = NOW
      for (const shiftMs of wrong) for (let n = 0; n < 4; n++) record = turn(record, (realMs += SECOND) + shiftMs, made)
      record = turn(record, realMs, made)
      const rightSinceMs = realMs
      for (let n = 0; n < 200; n++) record = turn(record, (realMs += MINUTE), made)
      const reference = testSchedule({ ...timing, on_missed: 'all', settled_until: isoTime(rightSinceMs) })
      // One turn a minute: only those ticks within it are on time that a keeper would see that looks each second.
      const owed = dueTicks(reference, realMs)?.run.filter((tickMs) => tickMs > realMs - 3 * SECOND) ?? []
      expect(owed.filter((tickMs) => !made.has(tickMs))).toEqual([])
      expect(Date.parse(record.settled_until)).toBeLessThanOrEqual(realMs + 2 * HOUR)
      expect(Date.parse(record.settled_until)).toBeGreaterThan(realMs - 2 * HOUR - MINUTE)
    }),
    { numRuns: 60 },
  )
})
