import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test, vi } from 'vitest'
import { MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import { startMixed } from '../support/hasty.ts'
import { connectTest } from '../support/read-log.ts'
import { readBatchFiles, valuesIn } from './batch-files.ts'
import { numbers, sendMessages } from './messages.ts'

const SOON = { timeout: 30_000, interval: 100 }

test('messages that got sequences of lost ones are in the files once, whether the owner was away or not', async () => {
  await using hasty = await startMixed(['ingest'], { jobs: 0, ingests: 1, env: { SHARDS: '1' } })
  const inFiles = async () => valuesIn(await readBatchFiles(join(hasty.dataDir, 'messages'))).toSorted()
  const allAreIn = (count: number) => vi.waitFor(async () => expect(await inFiles()).toEqual(numbers(count)), SOON)
  const ingest = hasty.ingest[0] ?? expect.unreachable()
  await sendMessages(hasty.url, 0, 12)
  await allAreIn(12)
  await ingest.stop()
  await loseMessages(hasty.nats.url)
  await sendMessages(hasty.url, 12, 30)
  await ingest.restart()
  await allAreIn(42)

  ingest.kill('SIGSTOP')
  await loseMessages(hasty.nats.url)
  await sendMessages(hasty.url, 42, 60)
  ingest.kill('SIGCONT')
  await allAreIn(102)
  const told = (await ingest.logs()).filter(({ level }) => level === 'error')
  // A take that is retried logs this again.
  expect(told.length).toBeGreaterThanOrEqual(2)
  for (const line of told) expect(line).toMatchObject({ shard: 0 })
})

/** A power cut at a broker that had synced none of the messages: the next ones count from 1. */
async function loseMessages(natsUrl: string): Promise<void> {
  const nc = await connectTest(natsUrl)
  try {
    const { streams } = await jetstreamManager(nc)
    const { config } = await streams.info(MESSAGES_STREAM)
    await streams.delete(MESSAGES_STREAM)
    await streams.add(config)
  } finally {
    await nc.close()
  }
}
