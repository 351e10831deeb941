import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { BatchQuery, StreamState } from '#shared/bus/stream.ts'
import { newJobId } from '#shared/ids/ids.ts'
import { sleep, systemClock } from '#shared/time/clock.ts'
import { EventReader } from '../../../e2e/support/event-reader.ts'
import type { FollowAllDeps } from './follow-all.ts'
import { SharedReader, WINDOW } from './shared-reader.ts'
import type { View } from './show-events.ts'

// Readers over a log in memory that does what a broker may do: lag, fail, lose a wake-up, drop old events, be replaced.

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const LIMITS = { maxEvents: 6, maxBytes: 60_000 }
const AT = '2027-01-01T00:00:00.000Z'

interface NewMessage {
  kind: 'event' | 'timer' | 'unreadable' | 'unreadable end'
  type: string
  tenant: string | null
  tag: string | null
  isLarge: boolean
}

interface Message extends NewMessage {
  seq: number
  subject: string
  body: string
  job_id: string
}

class MemoryLog {
  messages: Message[] = []
  created = 'first'
  firstSeq = 1
  lastSeq = 0
  /** Messages at the end that batches do not show yet. */
  lag = 0
  /** What the broker gives at once. */
  batchMax = 4
  /** Calls that fail. */
  failures = 0
  /** Time until which the state is told without the last message. */
  oldUntilMs = 0
  /** Whether batches alone fail. */
  hasNoBatches = false
  isSilent = false
  batches = 0
  readonly all: Message[] = []
  readonly listeners = new Set<{ onNews: () => void; onReconnect: () => void }>()

  append(message: NewMessage): void {
    const { kind, type, tenant, tag, isLarge } = message
    const job_id = newJobId(Date.parse(AT))
    const name = kind === 'unreadable end' ? 'job:failed' : kind === 'timer' ? 'job:timer' : 'job:cancelled'
    const subject = `${kind === 'unreadable' ? 'job:started' : name}.${type}.normal.${job_id}${kind === 'timer' ? '.t' : ''}`
    const owner = { ...(tenant === null ? {} : { tenant }), ...(tag === null ? {} : { tags: ['other', tag] }) }
    const reason = isLarge ? 'x'.repeat(20_000) : 'requested'
    const event = { event: 'job:cancelled', job_id, object_id: 'o', ...owner, type, at: AT, reason }
    const body = kind === 'event' ? JSON.stringify(event) : 'nonsense'
    const stored = { ...message, seq: ++this.lastSeq, subject, body, job_id }
    this.messages.push(stored)
    this.all.push(stored)
    if (!this.isSilent) for (const { onNews } of this.listeners) onNews()
  }

  trim(count: number): void {
    this.messages = this.messages.slice(Math.min(count, this.messages.length - 1))
    this.firstSeq = this.messages[0]?.seq ?? 1
  }

  /** What a power cut may do. */
  loseLast(): void {
    this.messages.pop()
    this.all.pop()
    this.lastSeq--
  }

  replace(): void {
    this.messages = []
    this.all.length = 0
    this.created += ' other'
    this.firstSeq = 1
    this.lastSeq = 0
  }

  readonly watch = (onNews: () => void, onReconnect: () => void) => {
    const listener = { onNews, onReconnect }
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  async state(): Promise<StreamState> {
    await this.#answer()
    const { firstSeq, created } = this
    const lastSeq = systemClock.monotonic() < this.oldUntilMs ? this.lastSeq - 1 : this.lastSeq
    return { firstSeq, lastSeq, created, bytes: 0, messages: this.messages.length, subjects: 0 }
  }

  async readBatch({ filter, fromSeq, limit }: BatchQuery) {
    await this.#answer()
    if (this.hasNoBatches) throw new Error('no answer in time')
    this.batches++
    const found = this.#find(filter, fromSeq).filter(({ seq }) => seq <= this.lastSeq - this.lag)
    const messages = found.slice(0, Math.min(limit, this.batchMax))
    const pending = found.length - messages.length
    return { messages, isMore: pending > 0, pending }
  }

  async nextOf(filter: string, fromSeq: number) {
    await this.#answer()
    return this.#asMessage(this.#find(filter, fromSeq)[0])
  }

  async lastOf(filter: string) {
    await this.#answer()
    return this.#asMessage(this.#find(filter, 0).at(-1))
  }

  #find(filter: string, fromSeq: number): Message[] {
    const [, type] = filter.split('.')
    return this.messages.filter(
      (each) => each.kind !== 'timer' && each.seq >= fromSeq && (type === '*' || each.type === type),
    )
  }

  #asMessage(found: Message | undefined) {
    return found === undefined ? null : { ...found, time: AT, headers: new Map<string, string>() }
  }

  async #answer(): Promise<void> {
    await sleep(1)
    if (this.failures > 0) {
      this.failures--
      throw new Error('the broker is away')
    }
  }
}

function dependOn(log: MemoryLog, limits = LIMITS): FollowAllDeps {
  const ownerOf = async (jobId: string) => log.all.find(({ job_id }) => job_id === jobId)?.tenant
  const common = { stream: log, clock: systemClock, ownerOf }
  return { ...common, shared: new SharedReader({ ...common, limits, watch: log.watch }) }
}

const isSeen = ({ tenant, type, tag }: View, { kind, ...of }: Message): boolean =>
  (kind === 'event' || kind === 'unreadable end') &&
  (type === null || of.type === type) &&
  (tag === null || (kind === 'event' && of.tag === tag)) &&
  (tenant === null || of.tenant === tenant)

const message: fc.Arbitrary<NewMessage> = fc.record({
  kind: fc.constantFrom('event', 'event', 'event', 'event', 'timer', 'unreadable', 'unreadable end'),
  type: fc.constantFrom('a', 'b'),
  tenant: fc.constantFrom('x', 'y', null),
  tag: fc.constantFrom('t', null),
  isLarge: fc.boolean(),
})
const view: fc.Arbitrary<View> = fc.record({
  tenant: fc.constantFrom('x', null),
  type: fc.constantFrom('a', null),
  tag: fc.constantFrom('t', null),
})

type Step = (log: MemoryLog, readers: EventReader[], deps: FollowAllDeps) => unknown
const pick = (readers: EventReader[], n: number): EventReader | undefined => readers[n % Math.max(1, readers.length)]

const steps: Record<string, fc.Arbitrary<Step>> = {
  append: fc.array(message, { maxLength: 10 }).map((batch) => (log) => batch.forEach((each) => log.append(each))),
  open: fc.tuple(view, fc.option(fc.nat(40))).map(([of, back]) => (log, readers, deps) => {
    const afterSeq = back === null ? null : Math.max(log.firstSeq - 1, log.lastSeq - back)
    readers.push(new EventReader(deps, of, afterSeq))
  }),
  pass: fc.constantFrom(1, 5, 30, 200, 6_000).map((ms) => () => vi.advanceTimersByTimeAsync(ms)),
  stall: fc.tuple(fc.nat(9), fc.nat(3)).map(([n, budget]) => (_, readers) => {
    const reader = pick(readers, n)
    if (reader !== undefined) reader.budget = budget
  }),
  lag: fc.nat(4).map((lag) => (log) => (log.lag = lag)),
  fail: fc.nat(4).map((failures) => (log) => (log.failures = failures)),
  lose: fc.boolean().map((isSilent) => (log) => (log.isSilent = isSilent)),
  reconnect: fc.constant((log) => log.listeners.forEach(({ onReconnect }) => onReconnect())),
}

async function play(played: readonly Step[]) {
  const log = new MemoryLog()
  const deps = dependOn(log)
  const readers: EventReader[] = []
  for (const step of played) await step(log, readers, deps)
  Object.assign(log, { lag: 0, failures: 0 })
  for (const reader of readers) reader.budget = Number.POSITIVE_INFINITY
  await vi.advanceTimersByTimeAsync(20_000)
  const leaving = Promise.all(readers.map((reader) => reader.leave()))
  await vi.advanceTimersByTimeAsync(20_000)
  await leaving
  // Nobody follows a log for nobody.
  expect(log.listeners.size).toBe(0)
  return { log, readers }
}

test('every reader gets every event of its view after its start once, in order, whatever log, broker and readers do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(...Object.values(steps)), { minLength: 10, maxLength: 40, size: 'max' }),
      async (played) => {
        const { log, readers } = await play(played)
        for (const reader of readers) {
          const { startSeq } = reader
          const wanted = log.all.filter((each) => each.seq > (startSeq ?? Infinity) && isSeen(reader.view, each))
          expect(reader.ids).toEqual(wanted.map(({ seq }) => seq))
          expect(reader.resets).toEqual([])
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('where the log drops events, a reader misses none but those, and none twice', async () => {
  const trim: fc.Arbitrary<Step> = fc.nat(20).map((count) => (log) => log.trim(count))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(trim, ...Object.values(steps)), { minLength: 10, maxLength: 40, size: 'max' }),
      async (played) => {
        const { log, readers } = await play(played)
        for (const reader of readers) {
          expect(reader.ids).toEqual([...new Set(reader.ids)].toSorted((a, b) => a - b))
          const wanted = log.all.filter((each) => each.seq > (reader.startSeq ?? Infinity) && isSeen(reader.view, each))
          const missed = wanted.filter(({ seq }) => !reader.ids.includes(seq))
          expect(missed.filter(({ seq }) => seq >= log.firstSeq)).toEqual([])
          expect(reader.ids.filter((id) => !wanted.some(({ seq }) => seq === id))).toEqual([])
        }
      },
    ),
    { numRuns: 300 },
  )
})

const event: NewMessage = { kind: 'event', type: 'a', tenant: null, tag: null, isLarge: false }
const ALL: View = { tenant: null, type: null, tag: null }

/** A log of some events with readers, which leave at the end. */
function openLog(events: number, limits = LIMITS) {
  const log = new MemoryLog()
  const deps = dependOn(log, limits)
  const readers: EventReader[] = []
  const append = (count: number) => {
    for (let n = 0; n < count; n++) log.append(event)
  }
  append(events)
  return {
    log,
    append,
    open: (of: View, afterSeq: number | null) => {
      const reader = new EventReader(deps, of, afterSeq)
      readers.push(reader)
      return reader
    },
    [Symbol.asyncDispose]: async () => {
      const leaving = Promise.all(readers.map((reader) => reader.leave()))
      await vi.advanceTimersByTimeAsync(20_000)
      await leaving
    },
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

test('a log that was replaced is told as a reset, and read from its beginning, also where it is longer already', async () => {
  await using opened = openLog(3)
  const reader = opened.open(ALL, 0)
  await vi.advanceTimersByTimeAsync(100)
  expect(reader.ids).toEqual(upTo(3))
  opened.log.replace()
  opened.append(5)
  await vi.advanceTimersByTimeAsync(7_000)
  expect(reader.resets).toEqual([0])
  expect(reader.ids.slice(-5)).toEqual(upTo(5))
})

test('a log that has lost its last event is told as a reset, and one whose leader is a moment behind is not', async () => {
  await using opened = openLog(3)
  const { log } = opened
  const reader = opened.open(ALL, 0)
  await vi.advanceTimersByTimeAsync(100)
  log.oldUntilMs = systemClock.monotonic() + 300
  for (const { onReconnect } of log.listeners) onReconnect()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(reader).toMatchObject({ ids: upTo(3), resets: [], opened: 1 })
  log.loseLast()
  for (const { onReconnect } of log.listeners) onReconnect()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(reader).toMatchObject({ ids: [...upTo(3), ...upTo(2)], resets: [0], opened: 1 })
})

test.each([
  ['in the window', 30],
  ['before the window', 0],
])('a reader %s who is so slow that the log drops what comes next is told of a reset', async (_, afterSeq) => {
  await using opened = openLog(30)
  const { log } = opened
  opened.open(ALL, null)
  const slow = opened.open(ALL, afterSeq)
  slow.budget = 1
  for (let n = 0; n < 10; n++) {
    opened.append(50)
    await vi.advanceTimersByTimeAsync(1_000)
  }
  log.trim(500)
  slow.budget = Number.POSITIVE_INFINITY
  await vi.advanceTimersByTimeAsync(2_000)
  expect(slow.resets).toEqual([500])
  expect(slow.ids.slice(-30)).toEqual(log.all.slice(-30).map(({ seq }) => seq))
})

test('a replica that lags behind hides nothing from a reader who comes from before the window', async () => {
  await using opened = openLog(20)
  opened.open(ALL, null)
  await vi.advanceTimersByTimeAsync(100)
  opened.log.lag = 5
  const late = opened.open(ALL, 2)
  await vi.advanceTimersByTimeAsync(500)
  expect(late.ids).toEqual(upTo(20).slice(2))
})

test('a replica that lags behind hides nothing from readers who are told that the log is quiet', async () => {
  await using opened = openLog(3)
  const { log } = opened
  const reader = opened.open(ALL, 0)
  await vi.advanceTimersByTimeAsync(100)
  Object.assign(log, { lag: 2, isSilent: true })
  opened.append(2)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(reader.ids).toEqual(upTo(3))
  Object.assign(log, { lag: 0, isSilent: false })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(reader.ids).toEqual(upTo(5))
})

test('a reader is told its position every 15 seconds while there is nothing for it', async () => {
  await using opened = openLog(1)
  const reader = opened.open({ tenant: null, type: 'b', tag: null }, null)
  for (let n = 0; n < 10; n++) {
    await vi.advanceTimersByTimeAsync(2_000)
    opened.append(1)
  }
  expect(reader.lastId).toBeGreaterThan(6)
  opened.log.append({ ...event, kind: 'timer' })
  await vi.advanceTimersByTimeAsync(35_000)
  expect(reader.lastId).toBe(12)
})

test('a short failure of the broker breaks no stream, and a long one breaks all', async () => {
  await using opened = openLog(3)
  const { log } = opened
  const readers = [opened.open(ALL, 0), opened.open(ALL, 0)]
  await vi.advanceTimersByTimeAsync(100)
  log.failures = 3
  opened.append(1)
  await vi.advanceTimersByTimeAsync(5_000)
  for (const reader of readers) expect(reader).toMatchObject({ ids: upTo(4), opened: 1 })
  log.failures = Number.POSITIVE_INFINITY
  await vi.advanceTimersByTimeAsync(20_000)
  for (const reader of readers) expect(reader.opened).toBeGreaterThan(1)
  log.failures = 0
  await vi.advanceTimersByTimeAsync(1_000)
  const openedBefore = readers.map((reader) => reader.opened)
  log.hasNoBatches = true
  await vi.advanceTimersByTimeAsync(20_000)
  for (const [n, reader] of readers.entries()) expect(reader.opened).toBeGreaterThan(openedBefore[n] ?? Infinity)
  log.hasNoBatches = false
  opened.append(1)
  await vi.advanceTimersByTimeAsync(5_000)
  for (const reader of readers) expect(reader).toMatchObject({ ids: upTo(5), resets: [] })
})

test('a reader who leaves while only events of others come ends its own reading', async () => {
  await using opened = openLog(5_000)
  opened.log.batchMax = 256
  opened.open(ALL, null)
  await vi.advanceTimersByTimeAsync(100)
  const reader = opened.open({ tenant: 'x', type: null, tag: null }, 0)
  await vi.advanceTimersByTimeAsync(5)
  const { batches } = opened.log
  const leaving = reader.leave()
  await vi.advanceTimersByTimeAsync(1_000)
  await leaving
  expect(opened.log.batches - batches).toBeLessThan(5)
})

test('a hundred readers ask the broker less often than one, and a lone event is shown at once', async () => {
  await using opened = openLog(0, WINDOW)
  const { log } = opened
  log.batchMax = 256
  const readers = [opened.open(ALL, 0)]
  const asked = async () => {
    const before = log.batches
    for (let n = 0; n < 1_000; n++) {
      opened.append(1)
      await vi.advanceTimersByTimeAsync(1)
    }
    await vi.advanceTimersByTimeAsync(1_000)
    return log.batches - before
  }
  await vi.advanceTimersByTimeAsync(100)
  const byOne = await asked()
  for (let n = 1; n < 100; n++) readers.push(opened.open(ALL, 1_000))
  await vi.advanceTimersByTimeAsync(100)
  expect(await asked()).toBeLessThan(byOne)
  opened.append(1)
  await vi.advanceTimersByTimeAsync(5)
  for (const reader of readers) expect(reader.ids.at(-1)).toBe(2_001)
})
