// Workers that claim jobs over HTTP: what each call does, through nginx, two apis and two job services.
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { readJob, untilJob } from '../support/jobs.ts'
import { workCalls } from './work-calls.ts'

/** `expect.poll` does not work in tests that run at once. */
const WITHIN = { timeout: 15_000, interval: 200 }

let hasty: Hasty
let calls: ReturnType<typeof workCalls>

beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 2, nginx: true })
  calls = workCalls(hasty.url)
})
afterAll(() => hasty.stop())

/** A type of a test's own. */
async function newType(policy: Record<string, unknown> = {}, payloadSchema: unknown = null): Promise<string> {
  const type = `t-${randomUUID()}`
  const backoff = { kind: 'fixed', base_ms: 0, max_ms: 0, jitter: 0 }
  const body = { runner: 'http', policy: { backoff, ...policy }, payload_schema: payloadSchema }
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, body)).toMatchObject({ status: 201, body: { type } })
  return type
}

/** The other api may learn of a new type up to a second later. */
async function post(type: string, members: Record<string, unknown> = {}): Promise<string> {
  return vi.waitFor(
    async () => {
      const answer = await send('POST', `${hasty.url}/v1/jobs`, { object_id: randomUUID(), type, ...members })
      expect(answer).toMatchObject({ status: 201 })
      return String(answer.body['job_id'])
    },
    { timeout: 5_000, interval: 100 },
  )
}

test.concurrent('a job is claimed, reports progress, and is completed; every repeat gets the same answer', async () => {
  const type = await newType()
  const jobId = await post(type, { payload: { a: [1] }, tags: ['customer:42'] })
  const job = await calls.claimOne(type)
  expect(job).toMatchObject({ job_id: jobId, type, payload: { a: [1] }, tags: ['customer:42'], attempt: 1 })
  expect(Date.parse(job.lease_until)).toBeGreaterThan(Date.parse(job.created_at))
  const progress = { percent: 40, message: 'so far', data: { n: 4 }, at: expect.any(String) as string }
  expect(await calls.extend(job.lease, { percent: 40, message: 'so far', data: { n: 4 } })).toMatchObject({
    job_id: jobId,
    status: 'ok',
  })
  await untilJob(hasty, jobId, { phase: 'running', progress })
  const finished = { status: 200, body: { job_id: jobId, status: 'finished', lease: job.lease } }
  for (let times = 0; times < 2; times++)
    expect(await calls.end(job, 'complete', { result: { ok: true } })).toMatchObject(finished)
  await untilJob(hasty, jobId, { status: 'finished', result: { ok: true } })
  expect((await readJob(hasty, jobId)).attempts).toMatchObject([{ attempt: 1, worker_id: 'w1', outcome: 'finished' }])
  expect(await calls.end(job, 'fail', { error: { message: 'too late' } })).toMatchObject({
    status: 410,
    body: { code: 'job-ended' },
  })
  expect(await calls.extend(job.lease)).toMatchObject({ status: 'superseded' })
})

test.concurrent('a failed attempt is followed by another, until there are none left; each has its error', async () => {
  const type = await newType({ max_attempts: 2 })
  const jobId = await post(type)
  const first = await calls.claimOne(type)
  const error = { name: 'HttpError', message: 'no answer', code: '503' }
  expect(await calls.end(first, 'fail', { error })).toMatchObject({ status: 200, body: { status: 'retrying' } })
  const second = await calls.claimOne(type, { worker_id: 'w2' })
  expect(second).toMatchObject({ job_id: jobId, attempt: 2 })
  expect(second.fencing_token).toBeGreaterThan(first.fencing_token)
  expect(await calls.end(first, 'complete')).toMatchObject({ status: 409, body: { code: 'superseded' } })
  expect(await calls.end(second, 'fail', { error })).toMatchObject({ status: 200, body: { status: 'failed' } })
  await untilJob(hasty, jobId, { status: 'failed', reason: 'attempts_exhausted', error })
  expect((await readJob(hasty, jobId)).attempts).toMatchObject([
    { worker_id: 'w1', outcome: 'retrying', error },
    { worker_id: 'w2', outcome: 'failed', error },
  ])
})

test.concurrent('an error without a message keeps its name and code', async () => {
  const type = await newType({ max_attempts: 1 })
  for (const error of [{ name: 'AssertionError', message: '', code: 'E7' }, { message: '' }]) {
    const jobId = await post(type)
    await calls.end(await calls.claimOne(type), 'fail', { error })
    expect((await untilJob(hasty, jobId, { status: 'failed' })).error).toEqual({ name: 'Error', ...error })
  }
})

test.concurrent('a worker says that another attempt cannot help, or when it may', async () => {
  const type = await newType()
  const hopeless = await post(type)
  const one = await calls.claimOne(type)
  expect(await calls.end(one, 'fail', { error: { message: 'bad picture' }, retry: false })).toMatchObject({
    body: { status: 'failed' },
  })
  await untilJob(hasty, hopeless, {
    status: 'failed',
    reason: 'permanent',
    error: { name: 'Error', message: 'bad picture' },
  })
  const later = await post(type)
  const two = await calls.claimOne(type)
  await calls.end(two, 'fail', { error: { message: 'busy' }, retry: { delay_ms: 3_600_000 } })
  const due = await untilJob(hasty, later, { phase: 'retrying' })
  expect(Date.parse(String(due.due_at)) - Date.parse(due.updated_at)).toBeGreaterThan(3_000_000)
})

test.concurrent('a job that is handed back goes to another worker, and spends no attempt', async () => {
  const type = await newType()
  const jobId = await post(type)
  const job = await calls.claimOne(type)
  expect(await calls.end(job, 'release')).toMatchObject({ status: 200, body: { status: 'released' } })
  const again = await calls.claimOne(type, { worker_id: 'w2' })
  expect(again).toMatchObject({ job_id: jobId, attempt: 1 })
  expect(await calls.end(job, 'complete')).toMatchObject({ status: 409, body: { code: 'superseded' } })
  expect(await calls.end(again, 'complete')).toMatchObject({ status: 200 })
})

test.concurrent('a call gets no more than it asks for, highest priority first, and settles earlier jobs in order', async () => {
  const type = await newType()
  const low = await post(type, { priority: 'low' })
  const normal = await Promise.all([post(type), post(type)])
  const high = await post(type, { priority: 'high' })
  const { jobs } = await calls.claim({ types: [type], max: 3 })
  expect(jobs.map(({ job_id }) => job_id).toSorted()).toEqual([high, ...normal].toSorted())
  const settle = [
    { lease: jobs[0]?.lease, complete: { result: 1 } },
    { lease: 'no lease', complete: {} },
    { lease: jobs[1]?.lease, fail: { error: { message: 'no' }, retry: false } },
    { lease: jobs[2]?.lease, release: {} },
  ]
  const next = await calls.claim({ types: [type], max: 5, wait_s: 5, settle })
  expect(next.settled.map(({ status }) => status)).toEqual(['finished', 'invalid', 'failed', 'released'])
  const rest = [...next.jobs]
  while (rest.length < 2) rest.push(...(await calls.claim({ types: [type], max: 5, wait_s: 5 })).jobs)
  expect(rest.map(({ job_id }) => job_id).toSorted()).toEqual([low, String(jobs[2]?.job_id)].toSorted())
  expect(await calls.claim({ types: [type], max: 5 })).toEqual({ settled: [], jobs: [], draining: false })
})

test.concurrent('a claim waits for a job of any of its types; repeated with its claim_id it gets the same jobs', async () => {
  const [one, other] = [await newType(), await newType()]
  const claim = { types: [one, other], wait_s: 30, max: 2, claim_id: randomUUID() }
  const waiting = calls.claim(claim)
  const repeat = calls.claim(claim)
  const jobId = await post(other)
  expect((await waiting).jobs).toMatchObject([{ job_id: jobId, type: other }])
  expect(await repeat).toEqual(await waiting)
  expect(await calls.claim(claim)).toEqual(await waiting)
})

test.concurrent('a claim that is repeated without waiting is over: what comes later goes to another worker', async () => {
  const type = await newType()
  const claim = { worker_id: randomUUID(), types: [type], wait_s: 30, max: 2, claim_id: randomUUID() }
  const waiting = calls.claim(claim)
  const workers = async () => (await getFrom(`${hasty.url}/v1/workers`)).body['items']
  await expect
    .poll(workers, { timeout: 10_000 })
    .toContainEqual(expect.objectContaining({ worker_id: claim.worker_id }))
  expect((await calls.claim({ ...claim, wait_s: 0, max: 0 })).jobs).toEqual([])
  const jobId = await post(type)
  expect(await calls.claimOne(type, { worker_id: 'w2' })).toMatchObject({ job_id: jobId })
  expect((await waiting).jobs).toEqual([])
})

test.concurrent('a claim_id brings no jobs of other types, and its ends are settled each time', async () => {
  const [one, other] = [await newType(), await newType()]
  const jobId = await post(one)
  const claimId = randomUUID()
  const first = await calls.claim({ types: [one], claim_id: claimId })
  expect(first.jobs).toMatchObject([{ job_id: jobId }])
  expect((await calls.claim({ types: [other], claim_id: claimId })).jobs).toEqual([])
  const settle = [{ lease: first.jobs[0]?.lease, complete: { result: 1 } }]
  expect(await calls.claim({ types: [one], claim_id: claimId, settle })).toMatchObject({
    settled: [{ status: 'finished' }],
    jobs: first.jobs,
  })
  // The worker has shown that it has the answer.
  expect((await calls.claim({ types: [one], claim_id: claimId })).jobs).toEqual([])
})

test.concurrent('a shorter extension does not take away what a longer one gave', async () => {
  const type = await newType()
  await post(type)
  const job = await calls.claimOne(type, { lease_s: 60 })
  const extended = await calls.extend(job.lease, { percent: 5 })
  expect(Date.parse(String(extended?.lease_until))).toBeGreaterThanOrEqual(Date.parse(job.lease_until))
  await calls.end(job, 'complete')
})

test.concurrent('a type gets a limit while its jobs are lent: their ends free it at once', async () => {
  const type = await newType()
  await Promise.all([post(type), post(type)])
  const first = await calls.claimOne(type, { lease_s: 60 })
  const limited = await send('PATCH', `${hasty.url}/v1/types/${type}`, { concurrency: 1 })
  expect(limited).toMatchObject({ status: 200 })
  const others = calls.claim({ worker_id: 'w2', types: [type], wait_s: 10 })
  expect(await calls.end(first, 'complete')).toMatchObject({ status: 200 })
  expect((await others).jobs).toHaveLength(1)
})

test.concurrent('a worker that closes its connection gets nothing', async () => {
  const type = await newType()
  const aborted = new Promise<void>((resolve) => {
    const body = JSON.stringify({ worker_id: 'gone', types: [type], wait_s: 30 })
    const call = request(`${hasty.url}/v1/work`, { method: 'POST', headers: { 'content-type': 'application/json' } })
    call.on('error', () => resolve())
    call.end(body, () => setImmediate(() => call.destroy()))
  })
  await aborted
  const jobId = await post(type)
  const job = await calls.claimOne(type)
  expect(job).toMatchObject({ job_id: jobId, attempt: 1 })
})

test.concurrent('a lease that is not extended ends: the attempt counts as a crash, and the job runs elsewhere', async () => {
  const type = await newType()
  const jobId = await post(type)
  const lost = await calls.claimOne(type, { worker_id: 'lost', lease_s: 5 })
  const job = await calls.claimOne(type)
  expect(job).toMatchObject({ job_id: jobId, attempt: 2 })
  expect(job.fencing_token).toBeGreaterThan(lost.fencing_token)
  const lateMs = Date.now() - Date.parse(lost.lease_until)
  expect(lateMs).toBeGreaterThan(0)
  expect(lateMs).toBeLessThan(3_000)
  expect(await calls.end(lost, 'complete')).toMatchObject({ status: 409, body: { code: 'superseded' } })
  expect(await calls.end(job, 'complete', { result: 2 })).toMatchObject({ status: 200 })
  const view = await untilJob(hasty, jobId, { status: 'finished', result: 2 })
  expect(view.attempts).toMatchObject([
    { worker_id: 'lost', outcome: 'crashed', error: { name: 'WorkerLost' } },
    { worker_id: 'w1', outcome: 'finished' },
  ])
})

test.concurrent('a worker that let a lease run out gets no more through its open claims, only when it asks again', async () => {
  const type = await newType()
  const jobId = await post(type)
  const lost = await calls.claimOne(type, { worker_id: 'frozen', lease_s: 5 })
  // One claim at each job service, whichever of them has the lease.
  const open = [1, 2, 3, 4].map(() => calls.claim({ worker_id: 'frozen', types: [type], wait_s: 30, lease_s: 5 }))
  for (const claim of open) expect(await claim).toMatchObject({ jobs: [] })
  expect(Date.now() - Date.parse(lost.lease_until)).toBeLessThan(15_000)
  expect(await calls.claimOne(type, { worker_id: 'frozen' })).toMatchObject({ job_id: jobId, attempt: 2 })
})

test.concurrent('where a type allows no lost worker, the first one ends the job', async () => {
  const type = await newType({ max_crashes: 0 })
  const jobId = await post(type)
  await calls.claimOne(type, { worker_id: 'lost', lease_s: 5 })
  await untilJob(hasty, jobId, { status: 'failed', reason: 'crashed' })
})

test.concurrent('a lease that is extended lives; the time limit of the attempt does not move', async () => {
  const type = await newType({ timeout_ms: 9_000, max_attempts: 1 })
  const jobId = await post(type)
  const job = await calls.claimOne(type, { lease_s: 5 })
  const ends = vi.waitFor(
    async () => {
      const answer = await calls.extend(job.lease)
      expect(answer?.status).not.toBe('ok')
      return answer
    },
    { timeout: 20_000, interval: 1_500 },
  )
  expect(await ends).toMatchObject({ status: 'cancel', reason: 'timeout' })
  const view = await untilJob(hasty, jobId, { status: 'failed', reason: 'timeout' })
  expect(Date.parse(String(view.finished_at)) - Date.parse(String(view.started_at))).toBeGreaterThanOrEqual(9_000)
  expect(view.attempts).toHaveLength(1)
  expect(view.progress).toBeNull()
  expect(await calls.end(job, 'complete')).toMatchObject({ status: 410 })
})

test.concurrent('a worker learns that its job was cancelled', async () => {
  const type = await newType()
  const jobId = await post(type)
  const job = await calls.claimOne(type)
  expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
  await vi.waitFor(async () =>
    expect(await calls.extend(job.lease)).toMatchObject({ status: 'cancel', reason: 'requested' }),
  )
  expect(await calls.end(job, 'complete')).toMatchObject({ status: 410, body: { code: 'job-ended' } })
})

test.concurrent('a concurrency limit counts jobs that HTTP workers have', async () => {
  const type = await newType({ concurrency: 2 })
  await Promise.all([post(type), post(type), post(type)])
  const { jobs } = await calls.claim({ types: [type], max: 10, wait_s: 5 })
  const more = jobs.length === 2 ? [] : (await calls.claim({ types: [type], max: 10, wait_s: 5 })).jobs
  const held = [...jobs, ...more]
  expect(held).toHaveLength(2)
  expect(await calls.claim({ types: [type], max: 10, wait_s: 0.5 })).toMatchObject({ jobs: [] })
  for (const job of held) await calls.end(job, 'complete')
  await calls.claimOne(type, { max: 10 })
})

test.concurrent('an HTTP worker stands in the list of workers, and `why` knows it', async () => {
  const type = await newType()
  const about = { host: 'pi', pid: 7, version: 'resizer/1', slots: 3 }
  const jobId = await post(type)
  expect(await getFrom(`${hasty.url}/v1/jobs/${jobId}/why`)).toMatchObject({
    body: { reasons: [{ code: 'no_live_worker' }] },
  })
  const job = await calls.claimOne(type, { worker_id: 'pi.1', about })
  const shown = { worker_id: 'pi.1', live: true, host: 'pi', pid: 7, version: 'resizer/1', types: [type], slots: 3 }
  await vi.waitFor(
    async () =>
      expect((await getFrom(`${hasty.url}/v1/workers/pi.1`)).body).toMatchObject({
        ...shown,
        running: 1,
        running_jobs: [{ job_id: jobId, type, attempt: 1 }],
      }),
    { timeout: 10_000, interval: 200 },
  )
  await calls.end(job, 'complete')
  await vi.waitFor(
    async () =>
      expect((await getFrom(`${hasty.url}/v1/workers/pi.1`)).body).toMatchObject({ running: 0, processed: 1 }),
    { timeout: 10_000, interval: 200 },
  )
  const { body } = await getFrom(`${hasty.url}/v1/workers/pi.1/attempts`)
  expect(body['items']).toMatchObject([{ job_id: jobId, outcome: 'finished' }])
})

test.concurrent('jobs that were cancelled while they waited wait no more, and their type can be removed', async () => {
  const type = await newType()
  for (const jobId of [await post(type), await post(type)])
    expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`, {})).toMatchObject({ status: 200 })
  const view = async () => (await getFrom(`${hasty.url}/v1/types/${type}`)).body
  await vi.waitFor(async () => expect(await view()).toMatchObject({ waiting: 0, running: 0 }), WITHIN)
  expect(await send('DELETE', `${hasty.url}/v1/types/${type}`)).toMatchObject({ status: 204 })
})

test.concurrent('a claim that is refused makes nobody a worker', async () => {
  const refused = { worker_id: randomUUID(), types: ['no-such-type'], max: 1 }
  expect(await send('POST', `${hasty.url}/v1/work`, refused)).toMatchObject({ status: 400 })
  // Another claim of the same moment does.
  const type = await newType()
  const taken = { worker_id: randomUUID(), types: [type], max: 1 }
  expect(await send('POST', `${hasty.url}/v1/work`, taken)).toMatchObject({ status: 200 })
  const ids = async () =>
    ((await getFrom(`${hasty.url}/v1/workers`)).body['items'] as { worker_id: string }[]).map(
      ({ worker_id }) => worker_id,
    )
  await vi.waitFor(async () => expect(await ids()).toContain(taken.worker_id), WITHIN)
  expect(await ids()).not.toContain(refused.worker_id)
})
