import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deadMessageSubject } from '#shared/contracts/log/subjects.ts'
import { openBus } from '../support/bus.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'

// Handlers of message batches may return, throw and leave behind anything.

const SOON = { timeout: 20_000, interval: 50 }
const undo = new AsyncDisposableStack()
let hasty: Mixed<'ingest'>

beforeAll(async () => {
  const env = {
    SHARDS: '1',
    BATCH_BACKOFF_MS: '20',
    BATCH_ATTEMPTS: '2',
    BATCH_MAX_WAIT_MS: '50',
    INGEST_LEASE_MS: '1000',
  }
  hasty = undo.use(await startMixed(['ingest'], { jobs: 0, env }))
  await hasty.addIngest({ INGEST_HANDLER: join(import.meta.dirname, 'batches/odd.ts'), FIRST_LIFE: 'true' })
})
afterAll(() => undo.disposeAsync())

/** Sends a batch of its own: no other message waits. */
async function post(value: string): Promise<void> {
  const before = await processed()
  expect(await postTo(`${hasty.url}/message`, [{ timestamp: '2027-01-01T00:00:00Z', value }])).toMatchObject({
    status: 201,
  })
  await vi.waitFor(async () => expect(await processed()).toBe(before + 1), SOON)
}

/** Number of messages that are done or dead. */
async function processed(): Promise<number> {
  const { body } = await getFrom(`${hasty.url}/v1/message/workers`)
  const shards = body['shards'] as { dead_total: number }[]
  return (body['messages_total'] as number) + shards.reduce((sum, { dead_total }) => sum + dead_total, 0)
}

const deadOnes = async () => (await getFrom(`${hasty.url}/v1/message/dead`)).body['items'] as Record<string, unknown>[]

test('what a handler returns that is no outcomes says that all are done', async () => {
  await post('rows')
  expect(await deadOnes()).toEqual([])
})

test('an error whose message is a list is told, and its message can be put back', async () => {
  await post('list')
  expect(await deadOnes()).toMatchObject([{ value: 'list', error: 'a; b', attempts: 2 }])
})

test('a promise that nobody awaits fails its batch, which is tried again, and ends no service', async () => {
  const { pid } = hasty.ingest[0]!
  await post('promise')
  expect(hasty.ingest[0]).toMatchObject({ pid, running: true })
  const metrics = await (await fetch(`${hasty.ingest[0]!.url}/metrics`)).text()
  expect(metrics).toMatch(/^hasty_unhandled_rejections_total(\{[^}]*\})? 1$/m)
})

test('what throws in a timer ends the service, and costs its batch one attempt', async () => {
  expect(await postTo(`${hasty.url}/message`, [{ timestamp: '2027-01-01T00:00:00Z', value: 'timer' }])).toMatchObject({
    status: 201,
  })
  expect(await hasty.ingest[0]!.exited()).toMatchObject({ code: 1 })
  const before = await processed()
  await hasty.ingest[0]!.restart({ FIRST_LIFE: 'false' })
  await vi.waitFor(async () => expect(await processed()).toBe(before + 1), SOON)
  expect((await deadOnes()).map(({ value }) => value)).toEqual(['list'])
})

test('a dead letter of an earlier version, whose error is a list, is shown and can be put back', async () => {
  await using bus = await openBus(hasty.nats.url)
  const subject = deadMessageSubject(0, 1_000_000)
  const letter = {
    timestamp: '2027-01-01T00:00:00Z',
    value: 'rows again',
    error: ['a', 'b'],
    attempts: 2,
    died_at: '2027-01-01T00:00:01Z',
  }
  bus.broker.nc.publish(subject, JSON.stringify(letter))
  await vi.waitFor(
    async () =>
      expect(await deadOnes()).toContainEqual(expect.objectContaining({ value: 'rows again', error: '["a","b"]' })),
    SOON,
  )
  const { body } = await postTo(`${hasty.url}/v1/message/dead/redrive`, {})
  expect(body['redriven']).toBe(2)
  await vi.waitFor(async () => expect((await deadOnes()).map(({ seq }) => seq)).not.toContain(1_000_000), SOON)
})
