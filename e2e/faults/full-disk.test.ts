import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { answersOk, waitUntil } from '../../scripts/servers/wait-until.ts'
import { type ApiAnswer, getFrom, postTo, send } from '../support/call.ts'
import { startHasty } from '../support/hasty.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

// `npm start` on a disk that it fills, and that gets room again without any help.

// At the same time: each has a disk and services of its own, and waits most of the time.
const SOON = { timeout: 20_000, interval: 50 }
/** What is left of the broker's last page on the disk is filled by probes alone, with some hundred bytes a second. */
const PAGE_FULL = { timeout: 90_000, interval: 250 }
const LARGE = 'x'.repeat(400_000)

test.concurrent('a full disk loses nothing: new work is refused at once, and is taken again when there is room', async ({
  skip,
}) => {
  const mounted = await mountSmallDisk('80m')
  if (typeof mounted === 'string') return skip(mounted)
  await using disk = mounted
  await using hasty = await startOn(disk)
  const later = await makeJob(hasty, { type: 'task', payload: { data: 1, ms: 1 }, delay_ms: 3_600_000 })
  const accepted: string[] = []
  let refused: Answered | undefined
  for (let n = 0; refused === undefined && n < 500; n++) {
    const answered = await postTask(hasty.url, n, LARGE)
    if (answered.status === 201) accepted.push(String(answered.body['job_id']))
    else refused = answered
  }
  expect(refused).toMatchObject({ status: 503, body: { code: 'cannot-store' } })
  expect(refused?.ms).toBeLessThan(1_000)
  // A file takes the rest of the disk, and what the broker frees meanwhile. What is left then is the end of the last page
  // of its files: changes of a job fill that of the log, and nobody could wait for the probes alone.
  const checks = { broker: expect.stringContaining('disk is full') as string }
  await vi.waitFor(async () => {
    await disk.fill()
    await Promise.all([later, later, later].map((id, n) => postpone(hasty.url, id, n)))
    expect(await getFrom(`${hasty.url}/readyz`)).toMatchObject({ status: 503, body: { checks } })
  }, PAGE_FULL)
  const again = await postTask(hasty.url, 1_000, '')
  expect(again).toMatchObject({ status: 503, body: { code: 'cannot-store' } })
  expect(again.ms).toBeLessThan(1_000)

  const roomSinceMs = performance.now()
  await disk.grow('300m')
  await untilReadiness(hasty, { status: 200 })
  await vi.waitFor(async () => expect((await postTask(hasty.url, 2_000, '')).status).toBe(201), SOON)
  expect(performance.now() - roomSinceMs).toBeLessThan(15_000)
  // An attempt whose outcome could not be stored begins again when its lease is over.
  await vi.waitFor(async () => {
    for (const id of accepted) expect(await readJob(hasty, id)).toMatchObject({ status: 'finished' })
  }, PAGE_FULL)
})

test.concurrent('a disk that cannot be written is told from one that is slow, and healed when it can be', async ({
  skip,
}) => {
  const mounted = await mountSmallDisk('200m')
  if (typeof mounted === 'string') return skip(mounted)
  await using disk = mounted
  await using hasty = await startOn(disk)
  const before = await makeJob(hasty, { type: 'task', payload: { data: 1, ms: 1 } })
  await untilJob(hasty, before, { status: 'finished' })
  await disk.fill()
  const refused = await untilRefused(hasty, LARGE)
  expect(refused).toMatchObject({ body: { code: 'cannot-store' } })
  for (const path of ['/message', '/v1/requests', '/v1/schedules/x']) {
    // What is so small that it still fits into the broker's last page is accepted, and kept.
    await vi.waitFor(async () => {
      await disk.fill()
      const startedMs = performance.now()
      const answer = await send(path.endsWith('x') ? 'PUT' : 'POST', `${hasty.url}${path}`, BODIES[path])
      expect([path, answer.status, answer.body['code']]).toEqual([path, 503, 'cannot-store'])
      expect(performance.now() - startedMs).toBeLessThan(1_000)
    }, PAGE_FULL)
  }
  await disk.empty()
  await untilReadiness(hasty, { status: 200 })
  await untilJob(hasty, await makeJob(hasty, { type: 'add', payload: { numbers: [1] } }), { status: 'finished' })
})

test.concurrent('a store whose own disk is full keeps new work out, while what runs ends, and is told what it missed', async ({
  skip,
}) => {
  const mounted = await mountSmallDisk('40m')
  if (typeof mounted === 'string') return skip(mounted)
  await using disk = mounted
  await using hasty = await startHasty({ workflows: 1, env: { DATA_DIR: disk.dir } })
  const running = await makeJob(hasty, { type: 'sleep', payload: { ms: 1_500 } })
  await untilRunning(hasty, running)
  await disk.fill()
  for (const replica of [...hasty.api, ...hasty.workflow]) await untilReadiness(replica, { status: 503 })
  const refused = await untilRefused(hasty, '')
  expect(refused).toMatchObject({ status: 503, body: { code: 'cannot-store' } })
  expect(refused.ms).toBeLessThan(1_000)
  await disk.empty()
  await untilJob(hasty, running, { status: 'finished' })
  for (const replica of [...hasty.api, ...hasty.workflow]) await untilReadiness(replica, { status: 200 })
  await vi.waitFor(async () => expect((await postTask(hasty.url, 2, '')).status).toBe(201), SOON)
})

/** Its answer does not matter: it changes the job, or is refused because the disk is full. */
const postpone = (url: string, jobId: string, n: number) =>
  send('PATCH', `${url}/v1/jobs/${jobId}`, { delay_ms: 3_600_000 + n })

const BODIES: Record<string, unknown> = {
  '/message': [{ timestamp: '2026-11-29T05:00:00Z', value: 'x'.repeat(60_000) }],
  '/v1/requests': { steps: [{ name: 'a', jobs: [{ name: 'x', type: 'add', payload: { numbers: [1] } }] }] },
  '/v1/schedules/x': { every_ms: 60_000, job: { type: 'add', payload: { numbers: [1] } } },
}

const untilReadiness = ({ url }: { url: string }, answer: object): Promise<void> =>
  vi.waitFor(async () => expect(await getFrom(`${url}/readyz`)).toMatchObject(answer), SOON)

/** An api looks once a second whether there is room; what it accepted before then is kept. */
const untilRefused = ({ url }: { url: string }, data: string): Promise<Answered> =>
  vi.waitFor(async () => {
    const answer = await postTask(url, Math.random(), data)
    expect(answer.status).toBe(503)
    return answer
  }, SOON)

type Answered = ApiAnswer & { ms: number }

async function postTask(url: string, n: number, data: string): Promise<Answered> {
  const startedMs = performance.now()
  const answer = await postTo(`${url}/v1/jobs`, { object_id: `disk-${n}`, type: 'task', payload: { data, ms: 1 } })
  return { ...answer, ms: performance.now() - startedMs }
}

/** Everything that `npm start` starts, ready. */
async function startOn(disk: SmallDisk): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort()
  const { NATS_URL: _natsUrl, MONGO_URL: _mongoUrl, ...inherited } = process.env
  const env = {
    ...inherited,
    PORT: String(port),
    DATA_DIR: join(disk.dir, 'data'),
    LOG_FORMAT: 'json',
    COOLDOWN_MS: '0',
    // Several start at once: the usual ports, free when each of them looks, would be taken when it binds them.
    KEEPER_PORT: '0',
    JOB_PORT: '0',
    WORKFLOW_PORT: '0',
    INGEST_PORT: '0',
  }
  const root = join(import.meta.dirname, '../..')
  const args = [join(root, 'scripts/run.mjs'), 'scripts/start.ts']
  const child: ChildProcess = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  const url = `http://localhost:${port}`
  await waitUntil(() => answersOk(`${url}/readyz`), { what: 'npm start', timeoutMs: 60_000 })
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGINT')
      await ended
    },
  }
}
