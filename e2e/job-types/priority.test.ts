import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test, vi } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { connectTest } from '../support/read-log.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

test('high goes before normal before low, and ageing keeps low from being starved', async () => {
  // One slot, so that the worker alone chooses which job starts.
  const env = { HANDLERS_DIR, JOB_SLOTS: '1', COOLDOWN_MS: '0' }
  await using hasty = await startInProcess({ apis: 1, jobs: 0, env })
  const file = join(hasty.dir, 'order.txt')
  await writeFile(file, '')
  const make = (priority: 'high' | 'normal' | 'low', ms: number) =>
    makeJob(hasty, { type: 'counting', priority, payload: { file, ms, name: priority } })
  // The lower ones first: the order of arrival must not be what decides.
  const low = await Promise.all(Array.from({ length: 4 }, () => make('low', 20)))
  await Promise.all(Array.from({ length: 8 }, () => make('normal', 20)))
  await Promise.all(Array.from({ length: 8 }, () => make('high', 20)))
  const worker = await hasty.addJob({ PRIORITY_AGEING_MS: '600000' })
  const started = async () =>
    (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('start'))
      .map((line) => line.split(' ')[1] ?? '')
  await Promise.all(low.map((jobId) => untilJob(hasty, jobId, { status: 'finished' })))
  // Before any ageing.
  expect((await started()).join(' ')).toBe(
    [...Array<string>(8).fill('high'), ...Array<string>(8).fill('normal'), ...Array<string>(4).fill('low')].join(' '),
  )

  // More of high than one slot can run, and always some of it waiting.
  await worker.restart({ PRIORITY_AGEING_MS: '1000' })
  const flood = { stopped: false }
  const flooding = Array.from({ length: 6 }, async () => {
    while (!flood.stopped) await make('high', 80)
  })
  try {
    await vi.waitFor(async () => expect(await waitingHigh(hasty)).toBeGreaterThan(3), { timeout: 60_000 })
    await writeFile(file, '')
    const starved = await make('low', 20)
    const { created_at: createdAt, attempts } = await untilJob(hasty, starved, { status: 'finished' })
    expect(await waitingHigh(hasty)).toBeGreaterThan(0)
    // Two priorities up are two times the ageing: until then high alone was taken, however slowly.
    expect(Date.parse(attempts[0]?.started_at ?? '') - Date.parse(createdAt)).toBeGreaterThanOrEqual(1_900)
    expect((await started()).indexOf('low')).toBeGreaterThan(0)
  } finally {
    flood.stopped = true
    await Promise.all(flooding)
  }
})

async function waitingHigh({ nats }: Pick<Hasty, 'nats'>): Promise<number> {
  const nc = await connectTest(nats.url)
  try {
    return (await (await jetstreamManager(nc)).consumers.info('JOBS', 'work-counting-high')).num_pending
  } finally {
    await nc.close()
  }
}
