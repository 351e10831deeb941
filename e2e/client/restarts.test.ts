import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { Hasty as Client, type EventView } from '../../client/index.ts'
import { startMixed } from '../support/hasty.ts'
import { gather } from './gather.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const PER_SECOND = 20
const SOON = { timeout: 30_000, interval: 25 }

/** Creates jobs at a steady rate, however slow the answers are. */
function createSteadily(client: Client) {
  const made: { objectId: string; answer: Promise<string> }[] = []
  const timer = setInterval(() => {
    const objectId = `steady-${made.length}`
    const answer = client.create('add', { numbers: [1, 2] }, { objectId }).then(({ job_id }) => job_id)
    answer.catch(() => undefined)
    made.push({ objectId, answer })
  }, 1000 / PER_SECOND)
  return { made, stop: () => clearInterval(timer) }
}

test('a caller sees no error while apis restart one by one, nor when both are killed, and each job is made once', async () => {
  await using hasty = await startMixed(['api'], { apis: 2, jobs: 1, nginx: true })
  const retries: string[] = []
  const client = new Client({ url: hasty.url, onRetry: ({ error }) => retries.push(`${error.status} ${error.code}`) })
  const steady = createSteadily(client)
  const more = async (count: number) => {
    const wanted = steady.made.length + count
    await vi.waitFor(() => expect(steady.made.length).toBeGreaterThanOrEqual(wanted), SOON)
  }
  await more(20)
  for (const api of hasty.api) {
    await api.restart()
    await more(20)
  }
  for (const api of hasty.api) api.kill('SIGKILL')
  // Time for requests to find no server at all.
  await vi.waitFor(() => expect(retries).not.toEqual([]), SOON)
  await Promise.all(hasty.api.map((api) => api.restart()))
  await more(20)
  steady.stop()

  const ids = await Promise.all(steady.made.map(({ answer }) => answer))
  expect(new Set(ids).size).toBe(ids.length)
  await Promise.all(ids.map((jobId) => client.wait(jobId)))
  await expect.poll(async () => (await client.stats()).total, { timeout: 20_000 }).toBe(ids.length)
  const listed = await gather(client.list({ type: 'add', limit: 200 }))
  const jobOf = new Map(listed.map(({ object_id, job_id }) => [object_id, job_id]))
  expect(listed).toHaveLength(ids.length)
  for (const [n, { objectId }] of steady.made.entries()) expect(jobOf.get(objectId)).toBe(ids[n])
})

test('events go on over killed apis without gap or repeat', async () => {
  await using hasty = await startMixed(['api'], { apis: 2, jobs: 1, nginx: true, env: { HANDLERS_DIR } })
  let streams = 0
  const { job_id } = await new Client({ url: hasty.url }).create('telling', { steps: 8, ms: 1_050 })
  const client = new Client({
    url: hasty.url,
    fetch: (input, init) => {
      if (input === `${hasty.url}/v1/jobs/${job_id}/events`) streams++
      return fetch(input, init)
    },
  })
  const seen: EventView[] = []
  const reading = (async () => {
    for await (const event of client.events(job_id)) seen.push(event)
  })()
  const progressed = (count: number) =>
    vi.waitFor(
      () => expect(seen.filter(({ event }) => event === 'job:progress').length).toBeGreaterThanOrEqual(count),
      SOON,
    )
  await progressed(2)
  for (const [n, api] of hasty.api.entries()) {
    api.kill('SIGKILL')
    await api.exited()
    await api.restart()
    await progressed(4 + n)
  }
  await reading
  const whole = await gather(new Client({ url: hasty.url }).events(job_id))
  expect(whole.at(-1)?.event).toBe('job:finished')
  expect(seen).toEqual(whole)
  // The first connection, one after the killed api, and one that learns that there is no more.
  expect(streams).toBeGreaterThanOrEqual(3)
})
