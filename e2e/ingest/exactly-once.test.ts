import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { getFrom } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import type { Replica } from '../support/replica.ts'
import { readBatchFiles, valuesIn } from './batch-files.ts'
import { FileWatch } from './file-watch.ts'
import { numbers, sendMessages } from './messages.ts'

const COUNT = 20_000
const A_POST = 100

test('of 20,000 messages each is in the files once, whatever is killed, frozen, added and taken away meanwhile', async () => {
  await using hasty = await startMixed(['ingest'], { jobs: 0, ingests: 2, ingestEnv: { INGEST_LEASE_MS: '1000' } })
  const dir = join(hasty.dataDir, 'messages')
  const watch = new FileWatch(dir)
  const troubles = troublesOf(hasty)
  for (const [n, trouble] of troubles.entries()) {
    const [from, to] = [n, n + 1].map((part) => Math.floor((part * COUNT) / troubles.length / A_POST) * A_POST)
    // In the middle of its work: some of this part is done, and most is not.
    const before = watch.count
    const sent = sendAll(hasty.url, from ?? 0, n === troubles.length - 1 ? COUNT : (to ?? 0))
    await until(watch, () => watch.count > before + 10)
    await trouble()
    await sent
  }
  await until(watch, () => watch.count * 5 >= COUNT)
  await vi.waitFor(async () => expect(await processed(hasty)).toBe(COUNT), { timeout: 30_000, interval: 200 })
  const files = await readBatchFiles(dir)
  expect(valuesIn(files).toSorted()).toEqual(numbers(COUNT))
  expect(await watch.changed()).toEqual([])
  expect(hasty.ingest.filter(({ running }) => running)).toHaveLength(1)
})

/** From two replicas to five, and down to one. */
function troublesOf(hasty: Mixed<'ingest'>): (() => Promise<unknown>)[] {
  const replica = (n: number): Replica => hasty.ingest[n] ?? expect.unreachable('a replica is missing')
  const killBroker = async () => {
    await hasty.nats.kill('SIGKILL')
    await hasty.nats.restart()
  }
  return [
    () => Promise.all([hasty.addIngest(), hasty.addIngest(), hasty.addIngest()]),
    async () => replica(0).kill('SIGKILL'),
    async () => replica(1).kill('SIGSTOP'),
    killBroker,
    () => replica(2).stop(),
    async () => replica(1).kill('SIGCONT'),
    () => Promise.all([replica(0).restart(), replica(2).restart()]),
    async () => {
      // The work that they do without the broker must not differ from the next owner's.
      await hasty.nats.kill('SIGKILL')
      for (const n of [1, 3]) replica(n).kill('SIGKILL')
      await hasty.nats.restart()
    },
    () => Promise.all([killBroker(), replica(0).stop()]),
    () => replica(2).stop(),
  ]
}

async function sendAll(url: string, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += A_POST) await sendMessages(url, first, A_POST)
}

const until = (watch: FileWatch, isSo: () => boolean) =>
  vi.waitFor(
    async () => {
      await watch.look()
      expect(isSo()).toBe(true)
    },
    { timeout: 60_000, interval: 20 },
  )

const processed = async ({ url }: Mixed<'ingest'>) =>
  (await getFrom(`${url}/v1/message/workers`)).body['messages_total']
