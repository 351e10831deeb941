import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { MakerPayload } from '../handlers/maker.ts'
import { getFrom, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SOON = { timeout: 20_000, interval: 50 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({
    apis: 2,
    jobs: 3,
    nginx: true,
    env: { HANDLERS_DIR, JOB_SLOTS: '8', LEASE_MS: '2000' },
  })
})
afterAll(() => hasty.stop())

const typeOf = async (name: string) => (await getFrom(`${hasty.url}/v1/types/${name}`)).body
const change = (name: string, body: unknown) => send('PATCH', `${hasty.url}/v1/types/${name}`, body)

async function makeCounting(name: string, count: number, ms: number): Promise<{ file: string; jobs: string[] }> {
  const file = join(hasty.dir, `${name}.txt`)
  await writeFile(file, '')
  const jobs = await Promise.all(
    Array.from({ length: count }, () => makeJob(hasty, { type: 'counting', payload: { file, ms } })),
  )
  return { file, jobs }
}

/** The largest number of jobs that ran at once, by their own lines. */
async function mostAtOnce(file: string): Promise<number> {
  let now = 0
  let most = 0
  for (const line of (await readFile(file, 'utf8')).trim().split('\n')) {
    now += line.startsWith('start') ? 1 : -1
    most = Math.max(most, now)
  }
  return most
}

const allFinished = (jobs: string[]) => Promise.all(jobs.map((jobId) => untilJob(hasty, jobId, { status: 'finished' })))

test('the types there are say their policy, their payload, and what waits and runs', async () => {
  const { status, body } = await getFrom(`${hasty.url}/v1/types`)
  expect(status).toBe(200)
  const types = body['items'] as { type: string }[]
  expect(types.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['add', 'counting', 'http', 'multiply', 'sleep', 'task']),
  )
  expect(await typeOf('sleep')).toMatchObject({
    type: 'sleep',
    policy: { timeout_ms: 46_000, max_attempts: 3 },
    payload_schema: expect.any(Object) as object,
    concurrency: null,
    paused: false,
    waiting: 0,
    running: 0,
  })
  expect(await getFrom(`${hasty.url}/v1/types/nonsense`)).toMatchObject({ status: 404, body: { code: 'unknown-type' } })
})

test('a paused type takes jobs and starts none until it is resumed', async () => {
  expect(await send('POST', `${hasty.url}/v1/types/counting/pause`)).toMatchObject({
    status: 200,
    body: { paused: true },
  })
  const { jobs } = await makeCounting('paused', 5, 1)
  await vi.waitFor(async () => expect(await typeOf('counting')).toMatchObject({ waiting: 5, running: 0 }), SOON)
  // A job of another type runs to its end in the meantime.
  await untilJob(hasty, await makeJob(hasty, { type: 'moody' }), { status: 'finished' })
  for (const jobId of jobs) expect(await readJob(hasty, jobId)).toMatchObject({ status: 'processing', attempts: [] })
  expect(await send('POST', `${hasty.url}/v1/types/counting/resume`)).toMatchObject({ body: { paused: false } })
  await allFinished(jobs)
})

test('a limit holds over all workers, can be changed and lifted while jobs run, and none of them is lost or run twice', async () => {
  expect(await change('counting', { concurrency: 3 })).toMatchObject({ status: 200, body: { concurrency: 3 } })
  const limited = await makeCounting('limited', 30, 60)
  await allFinished(limited.jobs)
  expect(await mostAtOnce(limited.file)).toBe(3)

  // Changed while they run: up, to no limit at all, and back.
  const changing = await makeCounting('changing', 150, 60)
  expect((await change('counting', { concurrency: 6 })).status).toBe(200)
  expect(await change('counting', { concurrency: null })).toMatchObject({ status: 200, body: { concurrency: null } })
  expect((await change('counting', { concurrency: 2 })).status).toBe(200)
  expect((await change('counting', { concurrency: null })).status).toBe(200)
  for (const job of await allFinished(changing.jobs)) expect(job.attempts).toHaveLength(1)
  const lines = (await readFile(changing.file, 'utf8')).trim().split('\n')
  expect(new Set(lines).size).toBe(300)
  expect(lines).toHaveLength(300)
  await vi.waitFor(async () => expect(await typeOf('counting')).toMatchObject({ waiting: 0, running: 0 }), SOON)
})

test("an operator's limit stays over restarts of the workers and of setup", async () => {
  await change('counting', { concurrency: 2 })
  const added = await hasty.addJob()
  const { file, jobs } = await makeCounting('restarted', 12, 50)
  await added.restart()
  await allFinished(jobs)
  expect(await mostAtOnce(file)).toBe(2)
  expect(await typeOf('counting')).toMatchObject({ concurrency: 2, policy: { concurrency: null } })
  await change('counting', { concurrency: null })
})

test.each([
  ['none', {}, 'invalid-request'],
  ['0', { concurrency: 0 }, 'invalid-request'],
  ['a text', { concurrency: '3' }, 'invalid-request'],
  ['something else', { concurrency: 1, timeout_ms: 1 }, 'unknown-member'],
])('a concurrency of %s is refused', async (_, body, code) => {
  expect(await change('counting', body)).toMatchObject({ status: 400, body: { code } })
  expect(await typeOf('counting')).toMatchObject({ concurrency: null })
})

test('a handler makes jobs that are checked like those of callers, and free of the cooldown', async () => {
  const make = (makes: MakerPayload['makes']) => makeJob(hasty, { type: 'maker', payload: { makes } })
  const sum = { type: 'add', payload: { numbers: [1, 2] }, options: { objectId: 'the same for both', delayMs: 0 } }
  const parent = await untilJob(
    hasty,
    await make([
      { name: 'a', ...sum },
      { name: 'b', ...sum },
    ]),
    { status: 'finished' },
  )
  const ids = parent.result as string[]
  for (const id of ids) {
    const child = {
      status: 'finished',
      result: 3,
      parent_job_id: parent.job_id,
      object_id: 'the same for both',
    } as const
    expect(await untilJob(hasty, id, child)).not.toHaveProperty('children')
  }
  const { body } = await getFrom(`${hasty.url}/v1/jobs?object_id=the+same+for+both`)
  expect(body['items']).toMatchObject([{ parent_job_id: parent.job_id }, { parent_job_id: parent.job_id }])

  const bad = await make([
    { name: 'good', ...sum },
    { name: 'bad', type: 'add', payload: { numbers: ['x'] } },
  ])
  const failed = await untilJob(hasty, bad, { status: 'failed', reason: 'permanent' })
  expect(failed.error?.message).toBe('create("bad", "add"): /payload/numbers/0: must be a number.')
})
