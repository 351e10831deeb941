import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { startHttpTarget } from '../support/http-target.ts'

const SOON = { timeout: 20_000, interval: 100 }
const ONE_SHARD = { SHARDS: '1', BATCH_BACKOFF_MS: '20', BATCH_ATTEMPTS: '3', BATCH_MAX_WAIT_MS: '100' }

async function post({ url }: Hasty, values: string[]): Promise<void> {
  const messages = values.map((value) => ({ timestamp: '2026-11-22T18:00:00Z', value }))
  expect(await postTo(`${url}/message`, messages)).toMatchObject({ status: 201 })
}

const deadIn = async ({ url }: Hasty) =>
  (await getFrom(`${url}/v1/message/dead`)).body['items'] as Record<string, unknown>[]
const processed = async ({ url }: Hasty) => (await getFrom(`${url}/v1/message/workers`)).body['messages_total']

test('a handler of one’s own says what became of each message; what never succeeds is kept, and can be put back', async () => {
  const module = join(import.meta.dirname, '../handlers/batches/picky.ts')
  await using hasty = await startInProcess({ jobs: 0, env: ONE_SHARD })
  const log = join(hasty.dir, 'picky.log')
  vi.stubEnv('PICKY_LOG', log)
  await hasty.addIngest({ INGEST_HANDLER: module })
  await post(hasty, ['a', 'twice', 'bad', 'twice', 'b'])
  await vi.waitFor(async () => expect(await processed(hasty)).toBe(4), SOON)
  expect(await deadIn(hasty)).toMatchObject([{ value: 'bad', error: 'no good', attempts: 1 }])
  await post(hasty, ['c', 'throw'])
  await vi.waitFor(async () => expect(await deadIn(hasty)).toHaveLength(3), SOON)
  expect(await deadIn(hasty)).toMatchObject([
    { value: 'bad' },
    { value: 'c', error: 'thrown', attempts: 3 },
    { value: 'throw', error: 'thrown', attempts: 3 },
  ])
  const seen = (await readFile(log, 'utf8')).trim().split('\n')
  const thrown = (attempt: number) => ({ batchId: '0-2', attempt, idempotencyKey: '0-2', values: ['c', 'throw'] })
  expect(seen.map((line) => JSON.parse(line) as unknown)).toEqual([
    { batchId: '0-1', attempt: 1, idempotencyKey: '0-1', values: ['a', 'twice', 'bad', 'twice', 'b'] },
    { batchId: '0-1', attempt: 2, idempotencyKey: '0-1-2', values: ['twice', 'twice'] },
    ...[1, 2, 3].map(thrown),
  ])
  // Put back, they are messages like any other: in new batches, which may fail again.
  // A message whose batch is not done yet may die once more, and is left where it is.
  let redriven = 0
  await vi.waitFor(async () => {
    redriven += (await postTo(`${hasty.url}/v1/message/dead/redrive`, {})).body['redriven'] as number
    expect(redriven).toBeGreaterThanOrEqual(3)
  }, SOON)
  const numberOfBatches = async () => new Set((await readFile(log, 'utf8')).match(/"batchId":"0-\d+"/g)).size
  await vi.waitFor(async () => expect(await numberOfBatches()).toBeGreaterThan(2), SOON)
  await vi.waitFor(async () => expect(await deadIn(hasty)).toHaveLength(3), SOON)
})

test('an endpoint is called with each batch: 2xx is done, 4xx never again, the rest once more', async () => {
  const answers = [503, 200, 422]
  await using target = await startHttpTarget((_, response) => response.writeHead(answers.shift() ?? 200).end('{}'))
  await using hasty = await startInProcess({ jobs: 0, env: ONE_SHARD })
  await hasty.addIngest({ INGEST_HANDLER: `http://${target.host}/batches` })
  await post(hasty, ['a', 'b', 'c', 'd', 'e'])
  await vi.waitFor(async () => expect(await processed(hasty)).toBe(5), SOON)
  await post(hasty, ['f'])
  await vi.waitFor(async () => expect(await deadIn(hasty)).toHaveLength(1), SOON)
  expect((await deadIn(hasty))[0]).toMatchObject({ value: 'f', attempts: 1 })
  const calls = target.seen.map(({ path, headers, body }) => ({
    path,
    key: headers['idempotency-key'],
    body: JSON.parse(body) as Record<string, unknown>,
  }))
  expect(calls).toMatchObject([
    { path: '/batches', key: '0-1', body: { batch_id: '0-1', shard: 0, worker: '0-0', attempt: 1 } },
    { path: '/batches', key: '0-1', body: { attempt: 2 } },
    { path: '/batches', key: '0-2', body: { attempt: 1, messages: [{ value: 'f' }] } },
  ])
  expect(calls[0]?.body['messages']).toHaveLength(5)
})
