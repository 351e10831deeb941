import { expect, test } from 'vitest'
import { planSchema } from '#shared/contracts/http/requests.ts'
import { decide, type Input } from '../decide/decide.ts'
import { newRecord } from '../decide/new-record.ts'
import type { RequestRecord } from '../decide/record.ts'
import { PickUpTimes } from './pick-up-times.ts'
import { requestWaitMs } from './request-wait.ts'

const SECOND = 1_000
const NOW = Date.parse('2027-01-01T12:00:10.000Z')
const AT_ONCE = new PickUpTimes(undefined)
const EACH_MINUTE = new PickUpTimes('* * * * *')
const UNSET = { newRequests: AT_ONCE, inProgress: AT_ONCE }
const SET = { newRequests: EACH_MINUTE, inProgress: EACH_MINUTE }

const plan = planSchema.parse([
  { name: 'one', jobs: [{ name: 'a', type: 'add' }] },
  { name: 'nap', sleep_ms: 90 * SECOND },
  { name: 'hold', signal: 'go' },
])
const waiting = newRecord(
  { requestId: 'r', tenant: null, name: null, definition: null, params: {}, extras: {}, plan },
  NOW,
)
const running = decide(waiting, { kind: 'pick-up' }, NOW)
const ended: Input = {
  kind: 'task-ended',
  task: { step: 0, key: 'a', round: 1 },
  end: { status: 'completed', attempts: [], result: null, error: null, at: '2027-01-01T12:00:10.000Z' },
}
/** A request whose job has ended, without an effect yet because it continues only at times. */
const left = decide(running, ended, NOW, false)
const sleeping = decide(running, ended, NOW)
const held = decide(sleeping, { kind: 'time' }, NOW + 90 * SECOND)

test.each<[string, RequestRecord, number | null, number | null]>([
  ['is new', waiting, 0, 50 * SECOND],
  ['waits for a job', running, null, 50 * SECOND],
  ['could go on since its job ended', left, 0, 50 * SECOND],
  ['sleeps', sleeping, 90 * SECOND, 90 * SECOND],
  ['waits for a signal', held, null, 110 * SECOND],
  ['is cancelled', decide(running, { kind: 'cancel', reason: '', appliedAs: null }, NOW), null, null],
])('what %s waits for its times where there are any', (_, record, unset, set) => {
  expect(requestWaitMs(UNSET, record, NOW)).toBe(unset)
  expect(requestWaitMs(SET, record, NOW)).toBe(set)
})

test('what slept long enough goes on, also where it was to wait for a time before', () => {
  expect(requestWaitMs(UNSET, sleeping, NOW + 90 * SECOND)).toBe(0)
  expect(requestWaitMs(SET, sleeping, NOW + 91 * SECOND)).toBe(0)
})
