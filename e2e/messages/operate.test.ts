// The operators' view of messages, and their work on dead ones. The ingest service is not running: its records are
// written here, as its contract says.
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DeadMessageList } from '#shared/contracts/http/dead-messages.ts'
import type { MessageWorkers } from '#shared/contracts/http/messages.ts'
import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import { deadMessageSubject, receivedSubject, shardSubject } from '#shared/contracts/log/subjects.ts'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { connectTest } from '../support/read-log.ts'
import { storedMessages } from './stored-messages.ts'

let hasty: Hasty
let nc: NatsConnection
let operator: Record<string, string>

beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 0, nginx: true, apiEnv: { AUTH: 'required', JWT_SECRET: SECRET } })
  operator = bearer(await tokenOf('operator', { claims: { scope: 'admin' } }))
  nc = await connectTest(hasty.nats.url)
})
afterAll(async () => {
  await nc.close()
  await hasty.stop()
})

const store = async (subject: string, body: unknown) => (await jetstream(nc).publish(subject, JSON.stringify(body))).seq
const die = (shard: number, seq: number) =>
  store(deadMessageSubject(shard, seq), {
    timestamp: '2026-11-22T18:00:00Z',
    value: `dead-${shard}-${seq}`,
    tenant: 'red',
    error: 'the disk said no',
    attempts: 5,
    died_at: '2026-11-22T18:00:09.000Z',
  })
const listDead = async (query = '') =>
  (await getFrom(`${hasty.url}/v1/message/dead${query}`, operator)).body as unknown as DeadMessageList
const redrive = async (body: unknown, url = hasty.url) => postTo(`${url}/v1/message/dead/redrive`, body, operator)
const putBack = async () =>
  (await storedMessages(hasty.nats.url)).filter(({ value }) => String(value).startsWith('dead-'))

const counts = { batches_since_start: 2, messages_since_start: 10, batches_total: 8, messages_total: 40 }
const RECORD: ShardRecord = {
  shard: 1,
  owner: 'ingest-7',
  term: 3,
  next_batch: 9,
  planned_seq: 0,
  open: [{ batch: 8, worker: '1-0', from_seq: 1, to_seq: 5, count: 5, failed: 0 }],
  workers: ['1-0', '1-1', '1-2', '1-3'].map((worker) => ({ worker, started_at: '2026-11-22T17:00:00Z', ...counts })),
  pool: 3,
  dead_total: 2,
}

test('the workers are those of the shards’ records, and what waits is counted behind what is planned', async () => {
  const seqs: number[] = []
  for (let n = 0; n < 7; n++) {
    seqs.push(await store(receivedSubject(1), { timestamp: '2026-11-22T18:00:00Z', value: `waits-${n}` }))
    await store(receivedSubject(2), { timestamp: '2026-11-22T18:00:00Z', value: `waits-${n}` })
  }
  await store(shardSubject(1), { ...RECORD, planned_seq: seqs[4] })
  const { status, body } = await getFrom(`${hasty.url}/v1/message/workers`, operator)
  expect(status).toBe(200)
  const { workers, shards, messages_total } = body as unknown as MessageWorkers
  expect(messages_total).toBe(160)
  expect(shards).toEqual([
    { shard: 0, replica_id: null, waiting: 0, open_batches: 0, dead_total: 0 },
    { shard: 1, replica_id: 'ingest-7', waiting: 2, open_batches: 1, dead_total: 2 },
    { shard: 2, replica_id: null, waiting: 7, open_batches: 0, dead_total: 0 },
    { shard: 3, replica_id: null, waiting: 0, open_batches: 0, dead_total: 0 },
  ])
  expect(workers.map(({ worker_id, running }) => [worker_id, running])).toEqual([
    ['1-0', true],
    ['1-1', true],
    ['1-2', true],
    ['1-3', false],
  ])
  expect(workers[0]).toEqual({
    worker_id: '1-0',
    shard: 1,
    replica_id: 'ingest-7',
    running: true,
    started_at: '2026-11-22T17:00:00Z',
    ...counts,
  })
})

test('dead messages are listed in pages, of all shards or one, and put back once each', async () => {
  expect(await listDead()).toEqual({ items: [], next_cursor: null })
  for (let n = 1; n <= 30; n++) await die(n % 3, 1_000 + n)
  expect((await listDead()).items).toHaveLength(30)
  expect((await listDead('?shard=2')).items.map(({ shard }) => shard)).toEqual(Array.from({ length: 10 }, () => 2))
  const first = await listDead('?limit=20')
  expect(first.items[0]).toEqual({
    shard: 1,
    seq: 1_001,
    timestamp: '2026-11-22T18:00:00Z',
    value: 'dead-1-1001',
    tenant: 'red',
    error: 'the disk said no',
    attempts: 5,
    died_at: '2026-11-22T18:00:09.000Z',
  })
  const second = await listDead(`?limit=20&cursor=${first.next_cursor}`)
  expect([...first.items, ...second.items].map(({ seq }) => seq)).toEqual(
    Array.from({ length: 30 }, (_, n) => 1_001 + n),
  )
  expect(second.next_cursor).toBeNull()

  expect(await redrive({ shard: 2, limit: 4 })).toMatchObject({ status: 200, body: { redriven: 4, is_more: true } })
  expect((await putBack()).map(({ shard, value }) => [shard, value])).toEqual(
    [1_002, 1_005, 1_008, 1_011].map((seq) => [2, `dead-2-${seq}`]),
  )
  // From both replicas at the same time.
  const answers = await Promise.all([0, 1, 0, 1].map((n) => redrive({}, hasty.api[n]?.url)))
  expect(answers.reduce((sum, { body }) => sum + Number(body['redriven']), 0)).toBe(26)
  const all = await putBack()
  expect(all).toHaveLength(30)
  expect(new Set(all.map(({ value }) => value)).size).toBe(30)
  expect(all[0]).toEqual({
    timestamp: '2026-11-22T18:00:00Z',
    value: 'dead-2-1002',
    tenant: 'red',
    shard: 2,
    seq: all[0]?.seq,
  })
  expect(await listDead()).toEqual({ items: [], next_cursor: null })
})

test('a message that may die once more is not put back before its batch is done', async () => {
  await store(shardSubject(0), { ...RECORD, shard: 0, workers: [], open: RECORD.open })
  await die(0, 3)
  expect(await redrive({})).toMatchObject({ status: 200, body: { redriven: 0, is_more: false } })
  expect((await listDead()).items).toHaveLength(1)
  await store(shardSubject(0), { ...RECORD, shard: 0, workers: [], open: [] })
  expect(await redrive({})).toMatchObject({ status: 200, body: { redriven: 1, is_more: false } })
})

test('a dead message whose mark is there already is removed and not put back again', async () => {
  await die(3, 5_000)
  // The state that a redrive leaves when it is killed before it removes both.
  await store(deadMessageSubject(3, 5_000), { redriven_at: '2026-11-22T18:00:10.000Z' })
  const before = (await putBack()).length
  expect(await redrive({})).toMatchObject({ status: 200, body: { redriven: 0, is_more: false } })
  expect((await putBack()).length).toBe(before)
  expect((await listDead()).items).toEqual([])
})

test.each([
  ['GET', '/v1/message/dead?limit=0'],
  ['GET', '/v1/message/dead?limit=201'],
  ['GET', '/v1/message/dead?shard=64'],
  ['GET', '/v1/message/dead?cursor=x'],
  ['POST', '/v1/message/dead/redrive'],
])('%s %s with a value that is none is refused', async (method, path) => {
  const sent = method === 'POST' ? { body: '{"limit":0}', method } : { method }
  const headers = { 'content-type': 'application/json', ...operator }
  const response = await fetch(hasty.url + path, { ...sent, headers })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'invalid-request' })
})

test('only operators see and do this', async () => {
  const writer = bearer(await tokenOf('writer'))
  for (const path of ['/v1/message/workers', '/v1/message/dead'])
    expect((await getFrom(hasty.url + path, writer)).status).toBe(403)
  expect((await postTo(`${hasty.url}/v1/message/dead/redrive`, {}, writer)).status).toBe(403)
})
