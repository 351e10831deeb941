import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test, vi } from 'vitest'
import type { MessageWorkers } from '#shared/contracts/http/messages.ts'
import { shardOf } from '#shared/contracts/log/message.ts'
import { INGEST_STREAM } from '#shared/contracts/log/subjects.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { connectTest } from '../support/read-log.ts'
import { messagesFrom } from './messages.ts'

const SOON = { timeout: 30_000, interval: 50 }
const SHARDS = 3
/** Number of heartbeats that take two leases or more: two replicas write four each per lease. */
const SIGNS = 16

test('a replica that drains for longer than the lease keeps what it finishes, and what it gives back goes on at once', async () => {
  const env = { SHARDS: String(SHARDS), INGEST_LEASE_MS: '4000', DRAIN_MS: '60000', BATCH_TIMEOUT_MS: '60000' }
  await using hasty = await startMixed(['ingest'], { jobs: 0, env })
  const log = join(hasty.dir, 'held.log')
  const handler = { INGEST_HANDLER: join(import.meta.dirname, '../handlers/batches/held.ts'), HELD_LOG: log }
  const replicas = [await hasty.addIngest(handler), await hasty.addIngest(handler)]
  // In the order of their ids, one of them has two shards, and the other has one.
  const [first, second] = await vi.waitFor(async () => {
    const owners = await ownersOf(hasty)
    expect(new Set(owners).size).toBe(2)
    expect(owners).toEqual([expect.any(String), expect.any(String), owners[0]])
    return owners
  }, SOON)
  const leaving =
    replicas.find(({ pid }) => first?.includes(`-${pid}-`)) ?? expect.unreachable('whose shards are they?')
  const messages = messagesFrom(0, 100)
    .filter(({ timestamp }) => shardOf(Date.parse(timestamp), SHARDS) === 0)
    .slice(0, 5)
  expect(await postTo(`${hasty.url}/message`, messages)).toMatchObject({ status: 201 })
  const begun = { batchId: '0-1', attempt: 1, values: messages.map(({ value }) => value) }
  await vi.waitFor(async () => expect(await linesOf(log)).toEqual([begun]), SOON)

  leaving.kill('SIGTERM')
  await vi.waitFor(async () => expect(await ownersOf(hasty)).toEqual([first, second, second]), SOON)
  const signs = await signsGiven(hasty)
  await vi.waitFor(async () => expect(await signsGiven(hasty)).toBeGreaterThan(signs + SIGNS), SOON)
  expect(await ownersOf(hasty)).toEqual([first, second, second])
  await writeFile(`${log}.go`, '')
  expect(await leaving.exited()).toEqual({ code: 0, signal: null })
  await vi.waitFor(async () => expect(await ownersOf(hasty)).toEqual([second, second, second]), SOON)
  const { body } = await getFrom(`${hasty.url}/v1/message/workers`)
  expect(body['messages_total']).toBe(5)
  expect(await linesOf(log)).toEqual([begun])
})

async function ownersOf({ url }: Mixed<'ingest'>): Promise<(string | null)[]> {
  const { shards } = (await getFrom(`${url}/v1/message/workers`)).body as unknown as MessageWorkers
  return shards.map(({ replica_id }) => replica_id)
}

const linesOf = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

/** While no shard has anything to write, each write of the stream is a heartbeat. */
async function signsGiven({ nats }: Mixed<'ingest'>): Promise<number> {
  const nc = await connectTest(nats.url)
  try {
    return (await (await jetstreamManager(nc)).streams.info(INGEST_STREAM)).state.last_seq
  } finally {
    await nc.close()
  }
}
