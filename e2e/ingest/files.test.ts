import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { MessageWorkers } from '#shared/contracts/http/messages.ts'
import { getFrom, postTo } from '../support/call.ts'
import { startInProcess, startMixed } from '../support/hasty.ts'
import { readBatchFiles, valuesIn } from './batch-files.ts'
import { messagesFrom, numbers, sendMessages } from './messages.ts'

const SOON = { timeout: 60_000, interval: 100 }

test('each message is in one file, in batches of five and what is left after the wait', async () => {
  await using hasty = await startMixed(['ingest'], {
    jobs: 0,
    ingests: 1,
    ingestEnv: { SHARDS: '1' },
    apiEnv: { SHARDS: '1' },
  })
  const dir = join(hasty.dataDir, 'messages')
  await sendMessages(hasty.url, 0, 23)
  await vi.waitFor(async () => expect(valuesIn(await readBatchFiles(dir)).toSorted()).toEqual(numbers(23)), SOON)
  const files = await readBatchFiles(dir)
  expect(files.map(({ lines }) => lines.length).toSorted((a, b) => a - b)).toEqual([3, 5, 5, 5, 5])
  expect(new Set(files.map(({ worker }) => worker))).toEqual(new Set(['0-0', '0-1', '0-2']))
  const lines = files.flatMap((file) => file.lines)
  for (const message of messagesFrom(0, 23))
    expect(lines).toContainEqual({ ...message, seq: expect.any(Number) as number })
  const [ingest] = hasty.ingest
  await ingest?.stop()
  const told = (await ingest?.logs())?.findLast((line) => 'workers' in line)
  const workers = told?.['workers'] as { messages_total: number; messages_since_start: number }[]
  expect(workers.reduce((sum, { messages_total }) => sum + messages_total, 0)).toBe(23)
  expect((await ingest?.logs())?.filter(({ level }) => level !== 'info')).toEqual([])
})

test('SIGTERM: what waits for a whole batch is written before the end, and not again by the next', async () => {
  const env = { SHARDS: '1', BATCH_MAX_WAIT_MS: '600000' }
  await using hasty = await startMixed(['ingest'], { jobs: 0, ingests: 1, env })
  const dir = join(hasty.dataDir, 'messages')
  const [ingest] = hasty.ingest
  if (ingest === undefined) expect.unreachable()
  await sendMessages(hasty.url, 0, 7)
  const metrics = async () => (await fetch(`${ingest.url}/metrics`)).text()
  await vi.waitFor(async () => expect(await metrics()).toMatch(/hasty_messages_waiting\{shard="0".*\} 2\n/), SOON)
  await vi.waitFor(async () => expect(valuesIn(await readBatchFiles(dir))).toHaveLength(5), SOON)
  ingest.kill('SIGTERM')
  expect(await ingest.exited()).toEqual({ code: 0, signal: null })
  expect(valuesIn(await readBatchFiles(dir)).toSorted()).toEqual(numbers(7))
  await ingest.restart()
  await sendMessages(hasty.url, 7, 5)
  await vi.waitFor(async () => expect(valuesIn(await readBatchFiles(dir)).toSorted()).toEqual(numbers(12)), SOON)
})

test('values too large for a whole batch of them to wait in memory do not wait for one', async () => {
  const env = { SHARDS: '1', BATCH_SIZE: '1000', BATCH_MAX_WAIT_MS: '600000' }
  await using hasty = await startInProcess({ jobs: 0, ingests: 1, env })
  const value = 'x'.repeat(64_000)
  for (let sent = 0; sent < 2; sent++) {
    const messages = messagesFrom(0, 100).map(({ timestamp }) => ({ timestamp, value }))
    expect(await postTo(`${hasty.url}/message`, messages)).toMatchObject({ status: 201 })
  }
  const dir = join(hasty.dataDir, 'messages')
  await vi.waitFor(async () => expect(valuesIn(await readBatchFiles(dir)).length).toBeGreaterThan(100), SOON)
})

test('a pool grows to four when whole batches wait, and goes back to three', async () => {
  await using hasty = await startInProcess({
    jobs: 0,
    ingests: 1,
    env: { SHARDS: '1', WORKER_IDLE_MS: '1000' },
    ingestEnv: { INGEST_HANDLER: join(import.meta.dirname, '../handlers/batches/slow.ts') },
  })
  const poolOf = async () => {
    const { body } = await getFrom(`${hasty.url}/v1/message/workers`)
    return (body as unknown as MessageWorkers).workers
      .filter(({ running }) => running)
      .map((worker) => worker.worker_id)
  }
  await vi.waitFor(async () => expect(await poolOf()).toEqual(['0-0', '0-1', '0-2']), SOON)
  await sendMessages(hasty.url, 0, 300)
  await vi.waitFor(async () => expect(await poolOf()).toEqual(['0-0', '0-1', '0-2', '0-3']), SOON)
  const all = async () => (await getFrom(`${hasty.url}/v1/message/workers`)).body['messages_total']
  await vi.waitFor(async () => expect(await all()).toBe(300), SOON)
  await vi.waitFor(async () => expect(await poolOf()).toEqual(['0-0', '0-1', '0-2']), SOON)
})
