import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, send } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'
import { connectTest, historiesOf, readLog, startIn } from '../support/read-log.ts'
import { getRaw, listWorkers, readAttempts, readWorker, workerOf } from './workers.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
/** A heartbeat a second, and 5 s of silence until a worker counts as dead. */
const SILENT = { timeout: 15_000, interval: 250 }

let hasty: Mixed<'job'>
beforeAll(async () => {
  hasty = await startMixed(['job'], { apis: 1, jobs: 2, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '5' } })
})
afterAll(() => hasty.stop())

const makeMixed = (how: string, body: Record<string, unknown> = {}) =>
  makeJob(hasty, { type: 'mixed', payload: { how }, ...body })

const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make))

/** Attempts that each worker started, as the log has them: `job_id attempt`. */
async function attemptsInLog(): Promise<Map<string, string[]>> {
  const nc = await connectTest(hasty.nats.url)
  try {
    const started = new Map<string, string[]>()
    for (const [jobId, history] of historiesOf(await readLog(nc)))
      for (const { event } of history) {
        const start = startIn(event)
        if (start === null) continue
        started.set(start.worker_id, [...(started.get(start.worker_id) ?? []), `${jobId} ${start.attempt}`])
      }
    return started
  } finally {
    await nc.close()
  }
}

test('what the workers say they ran is what the log says, attempt for attempt, whatever became of them', async () => {
  const finishing = times(20, () => makeMixed('finish'))
  const failing = times(10, () => makeMixed('fail'))
  const retrying = times(10, () => makeMixed('retry'))
  const timingOut = times(10, () => makeMixed('wait', { timeout_ms: 150 }))
  const cancelling = times(10, async () => {
    const jobId = await makeMixed('wait')
    await untilRunning(hasty, jobId)
    expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
    return jobId
  })
  for (const jobId of [...(await finishing), ...(await retrying)]) await untilJob(hasty, jobId, { status: 'finished' })
  for (const jobId of await failing) await untilJob(hasty, jobId, { status: 'failed' })
  for (const jobId of [...(await timingOut), ...(await cancelling)])
    await untilJob(hasty, jobId, { status: 'cancelled' })

  const log = await attemptsInLog()
  expect(log.size).toBe(2)
  expect([...log.values()].flat()).toHaveLength(80)
  const workers = await vi.waitFor(
    async () => {
      const found = await listWorkers(hasty)
      expect(Object.fromEntries(found.map((each) => [each.worker_id, each.processed]))).toEqual(
        Object.fromEntries([...log].map(([id, attempts]) => [id, attempts.length])),
      )
      return found
    },
    { timeout: 20_000 },
  )
  const sum = (name: 'processed' | 'failed' | 'cancelled' | 'retried') =>
    workers.reduce((total, worker) => total + worker[name], 0)
  expect({
    processed: sum('processed'),
    failed: sum('failed'),
    cancelled: sum('cancelled'),
    retried: sum('retried'),
  }).toEqual({ processed: 80, failed: 10, cancelled: 20, retried: 20 })

  for (const [workerId, expected] of log) {
    const attempts = await readAttempts(hasty, workerId)
    expect(attempts.map((each) => `${each.job_id} ${each.attempt}`).toSorted()).toEqual(expected.toSorted())
    const endedAt = attempts.map((each) => each.ended_at)
    expect(endedAt).toEqual(endedAt.toSorted().toReversed())
    for (const { job_id, attempt, outcome, error } of attempts) {
      const told = (await readJob(hasty, job_id)).attempts.find((each) => each.attempt === attempt)
      expect({ job_id, outcome, worker_id: workerId }).toEqual({
        job_id,
        outcome: told?.outcome,
        worker_id: told?.worker_id,
      })
      if (outcome === 'failed') expect(error).toMatchObject({ message: 'for good' })
    }
  }
})

test('a worker says what it is and what it runs now', async () => {
  const [first] = hasty.job
  const jobId = await makeMixed('wait')
  const running = await untilRunning(hasty, jobId)
  const workerId = running.attempts[0]?.worker_id ?? ''
  const worker = await vi.waitFor(async () => {
    const found = await readWorker(hasty, workerId)
    expect(found.running_jobs).toEqual([
      { job_id: jobId, type: 'mixed', attempt: 1, started_at: expect.any(String) as string },
    ])
    return found
  }, SILENT)
  expect(worker).toMatchObject({ live: true, slots: 5, running: 1, stopped_at: null })
  expect(worker.types).toContain('mixed')
  expect(Date.parse(worker.since)).toBeLessThan(Date.parse(running.started_at ?? ''))
  // Both replicas share one store, so either answers for both.
  for (const { url } of hasty.job)
    expect(await listWorkers({ url }, '?live=true')).toContainEqual(
      expect.objectContaining({ worker_id: workerId, running: 1 }),
    )
  expect((await workerOf(hasty, first?.pid ?? 0)).live).toBe(true)
  await send('DELETE', `${hasty.url}/${jobId}`)
  await vi.waitFor(async () => expect(await readWorker(hasty, workerId)).toMatchObject({ running: 0 }), SILENT)
})

test('a worker lives while a handler keeps its main loop busy', async () => {
  for (const { pid } of hasty.job) await workerOf(hasty, pid)
  const busy = await makeMixed('hog')
  const { attempts } = await untilRunning(hasty, busy)
  const workerId = attempts[0]?.worker_id ?? ''
  const startedAtMs = Date.parse(attempts[0]?.started_at ?? '')
  const other = hasty.job.find(({ pid }) => !workerId.includes(`-${pid}-`))
  if (other === undefined) throw new Error('no replica is free')
  const seen: boolean[] = []
  await vi.waitFor(async () => {
    const worker = await readWorker(other, workerId)
    seen.push(worker.live)
    expect(Date.parse(worker.beat_at) - startedAtMs).toBeGreaterThan(6_000)
  }, SILENT)
  expect(seen).not.toContain(false)
  await untilJob(hasty, busy, { status: 'finished' })
})

/** The query, the answer, and the parameter that is named. */
const ROWS: [path: string, code: string, parameter: string][] = [
  ['?alive=true', 'unknown-member', 'alive'],
  ['?limit=5', 'unknown-member', 'limit'],
  ['?__proto__=1', 'unknown-member', '__proto__'],
  ['?live=', 'invalid-request', 'live'],
  ['?live=yes', 'invalid-request', 'live'],
  ['?live=TRUE', 'invalid-request', 'live'],
  ['?live=true&live=true', 'invalid-request', 'live'],
  ['/ID?live=true', 'unknown-member', 'live'],
  ['/ID/attempts?page=1', 'unknown-member', 'page'],
  ['/ID/attempts?limit=0', 'invalid-request', 'limit'],
  ['/ID/attempts?limit=201', 'invalid-request', 'limit'],
  ['/ID/attempts?limit=-1', 'invalid-request', 'limit'],
  ['/ID/attempts?limit=1e1', 'invalid-request', 'limit'],
  ['/ID/attempts?limit=', 'invalid-request', 'limit'],
  ['/ID/attempts?limit=5&limit=6', 'invalid-request', 'limit'],
  ['/ID/attempts?cursor=', 'invalid-request', 'cursor'],
  ['/ID/attempts?cursor=forged', 'invalid-request', 'cursor'],
  [`/ID/attempts?cursor=${'a'.repeat(201)}`, 'invalid-request', 'cursor'],
  [`/ID/attempts?cursor=${Buffer.from('another.3').toString('base64url')}`, 'invalid-request', 'cursor'],
  [`/ID/attempts?cursor=${Buffer.from('another.-3').toString('base64url')}`, 'invalid-request', 'cursor'],
]

test.each(ROWS)('GET /v1/workers%s is 400 %s and names %s', async (path, code, parameter) => {
  const { worker_id } = await workerOf(hasty, hasty.job[0]?.pid ?? 0)
  const { status, headers, body } = await getFrom(`${hasty.url}/v1/workers${path.replace('ID', worker_id)}`)
  expect({ status, code: body['code'] }).toEqual({ status: 400, code })
  expect(headers.get('content-type')).toContain('application/problem+json')
  expect(body['request_id']).toBe(headers.get('x-request-id'))
  expect(body['errors']).toContainEqual({ parameter, detail: expect.any(String) as string })
})

test('what there is not is 404, what is not allowed 405, and nothing else of the job service is reachable', async () => {
  for (const path of ['/nobody', '/nobody/attempts', '/a.b', '/x$ne/attempts'])
    expect(await getFrom(`${hasty.url}/v1/workers${path}`)).toMatchObject({
      status: 404,
      body: { code: 'worker-not-found' },
    })
  expect(await getFrom(`${hasty.url}/v1/workers/a/b/c`)).toMatchObject({ status: 404, body: { code: 'not-found' } })
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const { status, headers, body } = await send(method, `${hasty.url}/v1/workers`, { a: 1 })
    expect({ status, code: body['code'], allow: headers.get('allow') }).toEqual({
      status: 405,
      code: 'method-not-allowed',
      allow: 'HEAD, GET',
    })
  }
  const head = await fetch(`${hasty.url}/v1/workers`, { method: 'HEAD' })
  expect({ status: head.status, text: await head.text() }).toEqual({ status: 200, text: '' })
  expect((await getFrom(`${hasty.job[0]?.url}/heartbeat`)).body['service']).toBe('job')
  const tricks = [
    '/v1/workers/../../metrics',
    '/metrics/../v1/workers',
    '//v1/workers',
    '/v1/workers/%2e%2e/%2e%2e/metrics',
    '/v1/workers/..%2f..%2fmetrics',
  ]
  for (const path of ['/metrics', '/heartbeat', '/readyz', ...tricks])
    expect((await getRaw(hasty.url, path)).text).not.toMatch(/service="?:?"job"|"service":"job"/)
})

test('a worker that is told to stop says so', async () => {
  const replica = await hasty.addJob()
  const { worker_id, live } = await workerOf(hasty, replica.pid)
  expect(live).toBe(true)
  const beforeMs = Date.now()
  await replica.stop()
  const stopped = await readWorker(hasty, worker_id)
  expect(stopped).toMatchObject({ live: false, running: 0, running_jobs: [] })
  expect(Date.parse(stopped.stopped_at ?? '')).toBeGreaterThanOrEqual(beforeMs)
  expect((await listWorkers(hasty, '?live=false')).map((each) => each.worker_id)).toEqual([worker_id])
  expect((await listWorkers(hasty, '?live=true')).map((each) => each.worker_id)).not.toContain(worker_id)
})

test('a killed worker is no longer live after 5 s, its attempts stay, and go when they are too old', async () => {
  const [victim, survivor] = hasty.job
  if (victim === undefined || survivor === undefined) throw new Error('two workers were started')
  const { worker_id } = await workerOf(hasty, victim.pid)
  const jobId = await makeMixed('wait')
  await untilRunning(hasty, jobId)
  const before = await vi.waitFor(async () => {
    const worker = await readWorker(hasty, worker_id)
    const attempts = await readAttempts(hasty, worker_id, 200)
    expect(attempts).toHaveLength(worker.processed)
    return attempts
  }, SILENT)
  expect(before.length).toBeGreaterThan(0)
  victim.kill('SIGKILL')
  await victim.exited()
  expect(await readWorker(hasty, worker_id)).toMatchObject({ live: true })
  const dead = await vi.waitFor(async () => {
    const worker = await readWorker(hasty, worker_id)
    expect(worker).toMatchObject({ live: false, stopped_at: null, running: 0, running_jobs: [] })
    return worker
  }, SILENT)
  expect(Date.now() - Date.parse(dead.beat_at)).toBeGreaterThanOrEqual(5_000)
  expect(await readAttempts(hasty, worker_id)).toEqual(before)

  const { worker_id: alive } = await workerOf(hasty, survivor.pid)
  await hasty.addJob({ ATTEMPT_RETENTION_MS: '5000' })
  await vi.waitFor(async () => {
    expect((await listWorkers(hasty)).map((each) => each.worker_id)).not.toContain(worker_id)
    expect((await getFrom(`${survivor.url}/v1/workers/${worker_id}/attempts`)).status).toBe(404)
  }, SILENT)
  expect((await listWorkers(hasty)).map((each) => each.worker_id)).toContain(alive)
  await send('DELETE', `${hasty.url}/${jobId}`)
})
