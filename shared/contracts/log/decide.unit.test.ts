import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, HAND_BACKS_MAX, type LastEvent, LEASE_SLACK_MS, type Trigger } from './decide.ts'
import { CRASH_LIMIT } from './limits.ts'
import { isTerminalEvent, JOB_EVENTS } from './subjects.ts'

const NOW = Date.UTC(2026, 10, 30)
const trigger: Trigger = {
  seq: 10,
  after: 10,
  attempt: 1,
  crashes: 0,
  nonce: 'mine',
  deliveries: 1,
  maxCrashes: CRASH_LIMIT,
}
const running: LastEvent = {
  event: 'job:started',
  seq: 12,
  nonce: 'other',
  trigger: 10,
  attempt: 1,
  crashes: 0,
  worker_id: 'w1',
}

describe('decide', () => {
  test('nothing left in the log: ack', () => {
    expect(decide(trigger, null, NOW)).toEqual({ do: 'ack' })
  })

  test('ended: ack', () => {
    for (const event of ['job:finished', 'job:cancelled', 'job:failed'] as const) {
      expect(decide(trigger, { event, seq: 12, nonce: 'other' }, NOW)).toEqual({ do: 'ack' })
    }
  })

  test('my own start is stored after all: run', () => {
    expect(decide(trigger, { ...running, nonce: 'mine' }, NOW)).toEqual({ do: 'run', startedSeq: 12 })
  })

  test('the last event is of a later contract: another worker’s turn, but not for ever', () => {
    const newer: LastEvent = { event: 'job:started', seq: 12, nonce: 'other', isUnreadable: true, isNewer: true }
    expect(decide(trigger, newer, NOW)).toEqual({ do: 'hand-back' })
    expect(decide({ ...trigger, deliveries: HAND_BACKS_MAX }, newer, NOW)).toEqual({ do: 'hand-back' })
    expect(decide({ ...trigger, deliveries: HAND_BACKS_MAX + 1 }, newer, NOW)).toEqual({ do: 'unreadable', after: 12 })
  })

  test('nobody can read the last event: the job ends, and says so', () => {
    const garbage: LastEvent = { event: 'job:progress', seq: 12, nonce: 'other', isUnreadable: true }
    expect(decide(trigger, garbage, NOW)).toEqual({ do: 'unreadable', after: 12 })
  })

  test('nothing happened since the trigger: start again', () => {
    expect(decide(trigger, { event: 'job:created', seq: 10, nonce: 'other' }, NOW)).toEqual({
      do: 'start',
      after: 10,
      attempt: 1,
      crashes: 0,
    })
  })

  test('my predecessor on this delivery is asked before it is given up', () => {
    expect(decide(trigger, running, NOW)).toEqual({ do: 'ask', worker_id: 'w1' })
    expect(decide(trigger, running, NOW, true)).toEqual({ do: 'drop' })
    expect(decide(trigger, running, NOW, false)).toEqual({ do: 'start', after: 12, attempt: 2, crashes: 1 })
  })

  test('a progress event counts as the start it belongs to', () => {
    expect(decide(trigger, { ...running, event: 'job:progress' }, NOW, false)).toMatchObject({
      do: 'start',
      attempt: 2,
    })
  })

  test('the third death is the last', () => {
    expect(decide(trigger, { ...running, crashes: CRASH_LIMIT - 1 }, NOW, false)).toMatchObject({
      do: 'crashed',
      crashes: CRASH_LIMIT,
    })
  })

  test('a type may allow fewer deaths, or none', () => {
    for (const maxCrashes of [0, 1])
      expect(decide({ ...trigger, maxCrashes }, running, NOW, false)).toMatchObject({ do: 'crashed', crashes: 1 })
    expect(decide({ ...trigger, maxCrashes: 2 }, running, NOW, false)).toMatchObject({ do: 'start', crashes: 1 })
  })

  test('lent over HTTP: kept for its worker while the lease lives, and started again only after it', () => {
    const lent = { ...running, lease: { untilMs: NOW, deadlineMs: NOW + 60_000 } }
    expect(decide(trigger, lent, NOW - 1)).toEqual({ do: 'vouch' })
    expect(decide(trigger, lent, NOW + LEASE_SLACK_MS - 1)).toEqual({ do: 'vouch' })
    expect(decide(trigger, lent, NOW + LEASE_SLACK_MS)).toEqual({ do: 'start', after: 12, attempt: 2, crashes: 1 })
    expect(decide({ ...trigger, maxCrashes: 0 }, lent, NOW + LEASE_SLACK_MS)).toMatchObject({ do: 'crashed' })
  })

  test('lent over HTTP past its deadline: a timeout, however long the lease', () => {
    const lent = { ...running, lease: { untilMs: NOW + 60_000, deadlineMs: NOW } }
    expect(decide(trigger, lent, NOW)).toEqual({ do: 'timeout', after: 12 })
  })

  test('handed back by a drain: the same attempt', () => {
    expect(decide(trigger, { ...running, event: 'job:released' }, NOW)).toEqual({
      do: 'start',
      after: 12,
      attempt: 1,
      crashes: 0,
    })
  })

  test('the history went on without this trigger: ack', () => {
    expect(decide(trigger, { ...running, trigger: 11 }, NOW)).toEqual({ do: 'ack' })
    expect(decide(trigger, { event: 'job:retrying', seq: 14, nonce: 'other' }, NOW)).toEqual({ do: 'ack' })
    expect(decide(trigger, { event: 'job:scheduled', seq: 14, nonce: 'other' }, NOW)).toEqual({ do: 'ack' })
  })

  test('whatever was last: no start after an end, and every start compares with the last event seen', () => {
    const last = fc.record<LastEvent>({
      event: fc.constantFrom(...JOB_EVENTS),
      seq: fc.integer({ min: 10, max: 20 }),
      nonce: fc.constantFrom('mine', 'other'),
      trigger: fc.constantFrom(undefined, 10, 11),
      attempt: fc.constantFrom(undefined, 1, 2),
      crashes: fc.constantFrom(undefined, 0, 1, 2),
      isUnreadable: fc.constantFrom(undefined, true),
      isNewer: fc.constantFrom(undefined, true),
      worker_id: fc.constantFrom(undefined, 'w1'),
    })
    fc.assert(
      fc.property(last, fc.constantFrom(undefined, true, false), (event, alive) => {
        const decision = decide(trigger, event, NOW, alive)
        if (isTerminalEvent(event.event)) expect(decision.do).toBe('ack')
        if (decision.do === 'start' || decision.do === 'crashed') {
          expect(decision.after).toBe(event.seq)
          expect(decision.attempt).toBeGreaterThanOrEqual(event.seq === trigger.after ? 1 : (event.attempt ?? 1))
        }
        if (alive === true) expect(decision.do).not.toBe('crashed')
        if (alive !== undefined) expect(decision.do).not.toBe('ask')
      }),
    )
  })
})
