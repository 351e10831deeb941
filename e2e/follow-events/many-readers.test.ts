import { expect, test, vi } from 'vitest'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { openEventStream } from '../support/event-stream.ts'
import { startInProcess } from '../support/hasty.ts'
import { makeJob } from '../support/jobs.ts'
import { connectTest, readLog } from '../support/read-log.ts'

const SOON = { timeout: 60_000, interval: 100 }
const JOBS = 300

test('a hundred readers of all events get each of them once, and cost the broker no more than one reader', async () => {
  await using hasty = await startInProcess()
  const nc = await connectTest(hasty.nats.url)
  await using _closing = { [Symbol.asyncDispose]: () => nc.close() }
  /** Reads of the log of all jobs, as the broker gets them. */
  let asked = 0
  nc.subscribe(`$JS.API.DIRECT.GET.${JOBS_STREAM}`, {
    callback: (_, message) => {
      if (message.json<{ next_by_subj?: string }>().next_by_subj === '*.*.*.*') asked++
    },
  })
  await nc.flush()

  /** Lets readers follow the events of jobs that are made meanwhile. @returns how often the broker was asked */
  async function follow(readers: number): Promise<number> {
    const before = (await readLog(nc)).at(-1)?.seq ?? 0
    const streams = await Promise.all(Array.from({ length: readers }, () => openEventStream(`${hasty.url}/v1/events`)))
    const startedAt = asked
    await Promise.all(Array.from({ length: JOBS }, () => makeJob(hasty, { type: 'sleep', payload: { ms: 1 } })))
    let ids: number[] = []
    await vi.waitFor(async () => {
      const log = (await readLog(nc, before + 1)).filter(({ event }) => event !== null)
      expect(log.filter(({ event }) => event?.event === 'job:finished')).toHaveLength(JOBS)
      ids = log.map(({ seq }) => seq)
    }, SOON)
    await vi.waitFor(() => {
      for (const { events } of streams) expect(events.at(-1)?.id).toBe(ids.at(-1))
    }, SOON)
    const took = asked - startedAt
    for (const stream of streams) {
      expect(stream.events.map(({ id }) => id)).toEqual(ids)
      await stream[Symbol.asyncDispose]()
    }
    return took
  }

  const byOne = await follow(1)
  expect(byOne).toBeGreaterThan(0)
  expect(await follow(100)).toBeLessThan(3 * byOne + 20)
})
