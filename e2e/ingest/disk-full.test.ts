import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { getFrom } from '../support/call.ts'
import { startInProcess, startMixed } from '../support/hasty.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { readBatchFiles, valuesIn } from './batch-files.ts'
import { numbers, sendMessages } from './messages.ts'

const SOON = { timeout: 30_000, interval: 100 }
const COUNT = 500

test('a full disk loses nothing: it is said, tried until there is room, and each message is in the files once', async ({
  skip,
}) => {
  const mounted = await mountSmallDisk('64k')
  if (typeof mounted === 'string') return skip(mounted)
  await using disk = mounted
  const ingestEnv = { DATA_OUTPUT_DIR: disk.dir, BATCH_BACKOFF_MS: '50', BATCH_ATTEMPTS: '2' }
  await using hasty = await startMixed(['ingest'], { jobs: 0, ingests: 1, env: { SHARDS: '1' }, ingestEnv })
  const readiness = () => getFrom(`${hasty.ingest[0]?.url}/readyz`)
  await sendMessages(hasty.url, 0, COUNT)
  await vi.waitFor(async () => expect(await readiness()).toMatchObject({ status: 503 }), SOON)
  expect(JSON.stringify((await readiness()).body)).toContain('ENOSPC')
  await vi.waitFor(async () => {
    const lines = await hasty.ingest[0]?.logs()
    expect(lines?.map(({ attempt }) => attempt)).toContain(4)
  }, SOON)
  const before = valuesIn(await readBatchFiles(disk.dir))
  expect(before.length).toBeLessThan(COUNT)

  await disk.grow('8m')
  await vi.waitFor(
    async () => expect(valuesIn(await readBatchFiles(disk.dir)).toSorted()).toEqual(numbers(COUNT)),
    SOON,
  )
  await vi.waitFor(async () => expect(await readiness()).toMatchObject({ status: 200 }), SOON)
  // Counted with the record, which is written after the last file.
  await vi.waitFor(async () => {
    expect((await getFrom(`${hasty.url}/v1/message/workers`)).body['messages_total']).toBe(COUNT)
    const names = await readdir(join(disk.dir, 'shard-0'))
    expect(names.filter((name) => name.startsWith('.'))).toEqual([])
  }, SOON)
  expect((await getFrom(`${hasty.url}/v1/message/dead`)).body['items']).toEqual([])
})

test('files that cannot be written for a while, on a disk that is read-only, are said and written when they can be', async ({
  skip,
}) => {
  const mounted = await mountSmallDisk('8m')
  if (typeof mounted === 'string') return skip(mounted)
  await using disk = mounted
  const ingestEnv = { DATA_OUTPUT_DIR: disk.dir, BATCH_BACKOFF_MS: '50', BATCH_ATTEMPTS: '2' }
  await using hasty = await startInProcess({ jobs: 0, ingests: 1, env: { SHARDS: '1' }, ingestEnv })
  const readiness = () => getFrom(`${hasty.ingest[0]?.url}/readyz`)
  await disk.allowWrites(false)
  await sendMessages(hasty.url, 0, 10)
  await vi.waitFor(async () => expect(await readiness()).toMatchObject({ status: 503 }), SOON)
  expect(JSON.stringify((await readiness()).body)).toContain('EROFS')
  await disk.allowWrites(true)
  await vi.waitFor(async () => expect(valuesIn(await readBatchFiles(disk.dir)).toSorted()).toEqual(numbers(10)), SOON)
  await vi.waitFor(async () => expect(await readiness()).toMatchObject({ status: 200 }), SOON)
  expect((await getFrom(`${hasty.url}/v1/message/dead`)).body['items']).toEqual([])
})
