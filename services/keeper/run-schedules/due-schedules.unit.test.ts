import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { isSettledAhead } from '#shared/schedules/settled-until.ts'
import { NOW, testSchedule } from '#shared/schedules/test-schedule.ts'
import { nextTick } from '#shared/schedules/tick-times.ts'
import { DAY, isoTime, SECOND } from '#shared/time/clock.ts'
import { DueSchedules } from './due-schedules.ts'

const tickOf = (record: ScheduleRecord): number =>
  (record.paused ? null : nextTick(record, Date.parse(record.settled_until))) ?? Number.POSITIVE_INFINITY

const subjects = fc.constantFrom('a', 'b', 'c', 'd')
const seconds = fc.integer({ min: -5, max: 40 })
const record = fc
  .record({
    every_ms: fc.integer({ min: 1, max: 20 }).map((s) => s * SECOND),
    settledS: seconds,
    paused: fc.boolean(),
    isOver: fc.boolean(),
  })
  .map(({ every_ms, settledS, paused, isOver }) =>
    testSchedule({
      every_ms,
      paused,
      settled_until: isoTime(NOW + settledS * SECOND),
      ends_at: isOver ? isoTime(NOW) : null,
    }),
  )
const step = fc.oneof(
  fc.record({ act: fc.constant('change' as const), subject: subjects, record: fc.option(record) }),
  fc.record({ act: fc.constant('give back' as const), subject: subjects, waitS: fc.constantFrom(0, 1) }),
  fc.record({ act: fc.constant('turn' as const), nowS: seconds, most: fc.integer({ min: 0, max: 3 }) }),
)

test('what is due is what looking at all of them would find, each taken by one at a time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const due = new DueSchedules()
      /** The simple form: everything is looked at each time. */
      const all = new Map<string, { record: ScheduleRecord; notBeforeMs: number }>()
      const taken = new Set<string>()
      const ahead = new Set<string>()
      let nowMs = NOW
      for (const each of steps) {
        if (each.act === 'change') {
          due.change(each.subject, each.record === null ? null : { seq: 1, record: each.record })
          ahead.delete(each.subject)
          if (each.record === null) all.delete(each.subject)
          else all.set(each.subject, { record: each.record, notBeforeMs: 0 })
        } else if (each.act === 'give back') {
          if (!taken.delete(each.subject)) continue
          const notBeforeMs = nowMs + each.waitS * SECOND
          due.giveBack(each.subject, notBeforeMs)
          const one = all.get(each.subject)
          if (one !== undefined) all.set(each.subject, { ...one, notBeforeMs })
        } else {
          nowMs = NOW + each.nowS * SECOND
          due.findSettledAhead(nowMs)
          for (const [subject, { record: own }] of all)
            if (!taken.has(subject) && !own.paused && isSettledAhead(own, nowMs)) ahead.add(subject)
          const wanted = [...all].filter(
            ([subject, { record: own, notBeforeMs }]) =>
              !taken.has(subject) && (ahead.has(subject) || Math.max(tickOf(own), notBeforeMs) <= nowMs),
          )
          const got: string[] = []
          while (got.length < each.most) {
            const one = due.takeDue(nowMs)
            if (one === null) break
            got.push(one.subject)
            expect(one.stored.record).toBe(all.get(one.subject)?.record)
            taken.add(one.subject)
            ahead.delete(one.subject)
          }
          expect(got).toHaveLength(Math.min(each.most, wanted.length))
          expect(wanted.map(([subject]) => subject)).toEqual(expect.arrayContaining(got))
        }
        expect(due.lateMs(nowMs)).toBe(Math.max(0, ...[...all.values()].map(({ record: own }) => nowMs - tickOf(own))))
      }
    }),
    { numRuns: 300 },
  )
})

test('the next look is at the next tick, and not before a failed one may be tried again', () => {
  const due = new DueSchedules()
  expect(due.firstMs).toBe(Number.POSITIVE_INFINITY)
  due.change('a', { seq: 1, record: testSchedule({ every_ms: 2 * SECOND }) })
  due.change('b', { seq: 2, record: testSchedule({ every_ms: 5 * SECOND }) })
  due.change('paused', { seq: 3, record: testSchedule({ every_ms: SECOND, paused: true }) })
  expect(due.firstMs).toBe(NOW + 2 * SECOND)
  expect(due.takeDue(NOW + SECOND)).toBeNull()
  expect(due.takeDue(NOW + 2 * SECOND)?.subject).toBe('a')
  expect(due.firstMs).toBe(NOW + 5 * SECOND)
  due.giveBack('a', NOW + 3 * SECOND)
  expect(due.firstMs).toBe(NOW + 3 * SECOND)
  expect(due.lateMs(NOW + 3 * SECOND)).toBe(SECOND)
  due.change('a', { seq: 4, record: testSchedule({ every_ms: 2 * SECOND, settled_until: isoTime(NOW + DAY) }) })
  expect(due.firstMs).toBe(NOW + 5 * SECOND)
  due.findSettledAhead(NOW + 3 * SECOND)
  expect(due.takeDue(NOW + 3 * SECOND)?.subject).toBe('a')
})
