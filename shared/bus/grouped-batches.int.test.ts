import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test, vi } from 'vitest'
import { ALL_RECEIVED, MESSAGES_STREAM, messageKeySubject, receivedSubject } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { systemClock } from '#shared/time/clock.ts'
import { startTestBus, type TestBus } from '../../e2e/support/bus.ts'
import type { BatchResult, Publication } from './publication.ts'
import { Publisher } from './publisher.ts'
import { Stream } from './stream.ts'

// What POST /message does: messages behind a key, as one atomic batch, many of them at once.

const SOON = { deadlineMs: 20_000 }

async function startMessageBus(): Promise<TestBus> {
  const bus = await startTestBus()
  const stream = new Stream(bus.broker, MESSAGES_STREAM)
  const { broker } = bus
  const publisher = new Publisher({ broker, stream, clock: systemClock, maxInFlight: 100_000, groupCommit: true })
  const dispose = async () => {
    publisher.close()
    await bus[Symbol.asyncDispose]()
  }
  return { ...bus, stream, publisher, [Symbol.asyncDispose]: dispose }
}

/** `count` messages behind the key `id`. */
function batchOf(id: string, count: number, size = 1): Publication[] {
  const subject = messageKeySubject(id)
  const about = { nonce: newNonce(), conflictKey: id }
  const messages = Array.from({ length: count }, (_, n) => ({
    ...about,
    subject: receivedSubject(n % 4),
    body: `${id}:${n}:${'x'.repeat(size)}`,
  }))
  return [{ ...about, subject, body: '{}', expect: { seq: 0, filter: subject } }, ...messages]
}

/** The stored messages of each batch, and how often each is stored. */
async function storedBatches({ stream }: Pick<TestBus, 'stream'>): Promise<Map<string, number[]>> {
  const batches = new Map<string, number[]>()
  for (let fromSeq = 1, isMore = true; isMore; ) {
    const batch = await stream.readBatch({ filter: ALL_RECEIVED, fromSeq, limit: 1_000 })
    for (const { body, seq } of batch.messages) {
      const [id = '', n] = body.split(':')
      batches.set(id, [...(batches.get(id) ?? []), Number(n)])
      fromSeq = seq + 1
    }
    isMore = batch.isMore
  }
  return batches
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)
const settle = (result: PromiseSettledResult<BatchResult>) =>
  result.status === 'rejected' ? 'unknown' : result.value.kind === 'stored' ? 'stored' : result.value.why

test('many batches at once are all stored whole and in order, in few commits', async () => {
  await using bus = await startMessageBus()
  const sizes = Array.from({ length: 600 }, (_, n) => (n % 50 === 0 ? 500 : (n % 5) + 1))
  const results = await Promise.all(sizes.map((size, n) => bus.publisher.publishBatch(batchOf(`many${n}`, size), SOON)))
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['stored']))
  const stored = await storedBatches(bus)
  for (const [n, size] of sizes.entries()) expect(stored.get(`many${n}`)).toEqual(upTo(size))
  const commits = new Set<string>()
  for (const n of sizes.keys()) {
    const key = await bus.stream.lastOf(messageKeySubject(`many${n}`))
    commits.add(key?.headers.get('Nats-Batch-Id') ?? `${n}`)
  }
  expect(commits.size).toBeLessThan(60)
})

test('of batches with one key one is stored, and those that wait beside them all are', async () => {
  await using bus = await startMessageBus()
  const results = await Promise.all(
    upTo(300).map((n) => bus.publisher.publishBatch(batchOf(n % 3 === 0 ? `same${n % 9}` : `own${n}`, 3), SOON)),
  )
  const kinds = results.map((result) => (result.kind === 'stored' ? 'stored' : result.why))
  expect(kinds.filter((kind) => kind === 'conflict')).toHaveLength(97)
  const stored = await storedBatches(bus)
  expect(stored.size).toBe(203)
  for (const messages of stored.values()) expect(messages).toEqual([0, 1, 2])
})

test('a stream without room refuses whole batches, and takes those that fit', async () => {
  await using bus = await startMessageBus()
  const manager = await jetstreamManager(bus.broker.nc)
  await manager.streams.update(MESSAGES_STREAM, { max_bytes: 200_000 })
  const startedMs = performance.now()
  const results = await Promise.allSettled(
    upTo(60).map((n) => bus.publisher.publishBatch(batchOf(`full${n}`, 5, 1_000), SOON)),
  )
  expect(performance.now() - startedMs).toBeLessThan(10_000)
  const stored = await storedBatches(bus)
  for (const [n, result] of results.entries()) {
    expect(stored.get(`full${n}`)).toEqual(settle(result) === 'stored' ? upTo(5) : undefined)
  }
  expect(new Set(results.map(settle))).toEqual(new Set(['stored', 'full']))
  expect(settle((await Promise.allSettled([bus.publisher.publishBatch(batchOf('big', 400, 1_000), SOON)]))[0])).toBe(
    'full',
  )
  await manager.streams.purge(MESSAGES_STREAM)
  expect(await bus.publisher.publishBatch(batchOf('after', 5), SOON)).toEqual({ kind: 'stored' })
})

test('more messages than the broker takes at once are refused, and nothing of them is stored', async () => {
  await using bus = await startMessageBus()
  const result = await bus.publisher.publishBatch(batchOf('huge', 10_200), SOON)
  expect(result).toEqual({ kind: 'refused', why: 'too-large' })
  expect((await storedBatches(bus)).size).toBe(0)
})

test('10,000 messages and their key are one batch', async () => {
  await using bus = await startMessageBus()
  expect(await bus.publisher.publishBatch(batchOf('large', 10_000), SOON)).toEqual({ kind: 'stored' })
  expect((await storedBatches(bus)).get('large')).toEqual(upTo(10_000))
})

test('a broker that is killed again and again loses and doubles nothing of what was answered', async () => {
  await using bus = await startMessageBus()
  let sent = 0
  const stopping = new AbortController()
  const outcomes = new Map<string, string>()
  const seen: Record<string, number> = {}
  const client = async (name: number) => {
    for (let n = 0; !stopping.signal.aborted; n++) {
      const id = `kill${name}-${n}`
      const size = ((name + n) % 7) + 1
      sent++
      const publications = batchOf(id, size)
      // A sender without an answer sends again under the same key.
      for (let outcome = 'unknown'; outcome === 'unknown'; ) {
        const again = publications.map((publication) => ({ ...publication, nonce: newNonce() }))
        const [result] = await Promise.allSettled([bus.publisher.publishBatch(again, { deadlineMs: 300 })])
        outcome = settle(result)
        seen[outcome] = (seen[outcome] ?? 0) + 1
        outcomes.set(id, outcome === 'conflict' ? 'stored' : outcome)
      }
    }
  }
  const clients = Promise.all(upTo(100).map(client))
  // Some batches must be stored without an answer: the test is about those.
  for (let round = 0; round < 4 || (seen['conflict'] === undefined && round < 15); round++) {
    const before = sent
    await vi.waitFor(() => expect(sent).toBeGreaterThan(before + 300), 20_000)
    await bus.nats.kill('SIGKILL')
    await bus.nats.restart()
  }
  const before = sent
  await vi.waitFor(() => expect(sent).toBeGreaterThan(before + 300), 20_000)
  stopping.abort()
  await clients
  expect(seen['conflict']).toBeGreaterThan(0)
  const stored = await storedBatches(bus)
  expect(new Set(outcomes.values())).toEqual(new Set(['stored']))
  for (const id of outcomes.keys()) expect(stored.get(id)).toEqual(upTo(stored.get(id)?.length ?? -1))
  expect(stored.size).toBe(outcomes.size)
  for (const [id, messages] of stored) {
    const [name = 0, n = 0] = id.replace('kill', '').split('-').map(Number)
    expect(messages).toHaveLength(((name + n) % 7) + 1)
  }
}, 90_000)

test('with the broker frozen past the timeout every batch is stored once, and says so', async () => {
  await using bus = await startMessageBus()
  await bus.nats.kill('SIGSTOP')
  const sent = upTo(200).map((n) => bus.publisher.publishBatch(batchOf(`frozen${n}`, 3), SOON))
  // Longer than one publish waits for its ack, so that they are repeated.
  const frozenAtMs = performance.now()
  await vi.waitFor(() => expect(performance.now() - frozenAtMs).toBeGreaterThan(2_000), 3_000)
  await bus.nats.kill('SIGCONT')
  const results = await Promise.all(sent)
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['stored']))
  const stored = await storedBatches(bus)
  expect(stored.size).toBe(200)
  for (const messages of stored.values()) expect(messages).toEqual([0, 1, 2])
})

test('a key goes by itself when its time is over, and its messages stay', async () => {
  await using bus = await startMessageBus()
  const [key, ...messages] = batchOf('short', 2)
  if (key === undefined) throw new Error('a batch without a key')
  await bus.publisher.publishBatch([{ ...key, headers: { 'Nats-TTL': '1s' } }, ...messages], SOON)
  await vi.waitFor(async () => expect(await bus.stream.lastOf(key.subject)).toBeNull(), 5_000)
  expect((await storedBatches(bus)).get('short')).toEqual([0, 1])
})
