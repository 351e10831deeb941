import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventWindow, type ShownEvent } from './event-window.ts'

const LIMITS = { maxEvents: 6, maxBytes: 100 }
const ROOM = 40

interface Added {
  /** Messages before this one that are no events, such as timers. */
  skipped: number
  bytes: number
  type: string
}

const added: fc.Arbitrary<Added> = fc.record({
  skipped: fc.nat(2),
  bytes: fc.integer({ min: 1, max: 60 }),
  type: fc.constantFrom('a', 'b'),
})

const eventOf = (seq: number, { type, bytes }: Added): ShownEvent => ({
  seq,
  type,
  tenant: null,
  tags: [],
  job_id: 'j',
  isOwnerUnknown: false,
  block: Buffer.alloc(bytes),
})

test('a reader anywhere in the window finds every later event of its type once, in order, in pieces that have room', () => {
  fc.assert(
    fc.property(fc.array(fc.array(added, { maxLength: 8 })), fc.nat(30), (batches, baseSeq) => {
      const window = new EventWindow(baseSeq, LIMITS)
      const all: ShownEvent[] = []
      for (const batch of batches) {
        let seq = window.lastSeq
        const events = batch.map((each) => eventOf((seq += each.skipped + 1), each))
        window.append(events, seq + 1)
        all.push(...events)
        expect(window.bytes).toBeLessThanOrEqual(LIMITS.maxBytes)
        expect(window.lastSeq).toBe(seq + 1)
        expect(all.filter((event) => event.seq > window.baseSeq).length).toBeLessThanOrEqual(LIMITS.maxEvents)
      }
      for (let from = window.baseSeq; from <= window.lastSeq + 1; from++) {
        const found = readAll(window, from)
        expect(found).toEqual(all.filter(({ seq, type }) => seq > from && type === 'a'))
      }
    }),
    { numRuns: 500 },
  )
})

test('the window keeps as much as it may', () => {
  const window = new EventWindow(0, LIMITS)
  for (let seq = 1; seq <= 20; seq++) window.append([eventOf(seq, { type: 'a', bytes: 10, skipped: 0 })], seq)
  expect(window.baseSeq).toBe(14)
  window.append([eventOf(21, { type: 'a', bytes: 95, skipped: 0 })], 21)
  expect(window.baseSeq).toBe(20)
  window.append([eventOf(22, { type: 'a', bytes: 101, skipped: 0 })], 22)
  expect(window.baseSeq).toBe(22)
})

function readAll(window: EventWindow, from: number): ShownEvent[] {
  const found: ShownEvent[] = []
  for (let place = from; ; ) {
    const { events, seq } = window.after(place, ({ type }) => type === 'a', ROOM)
    expect(events.length <= 1 || Buffer.concat(events.map(({ block }) => block)).length <= ROOM).toBe(true)
    found.push(...events)
    if (seq === place) return found
    expect(seq).toBeGreaterThan(place)
    place = seq
  }
}
