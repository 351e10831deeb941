import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { type GuardedNats, startGuardedNats } from '../support/guarded-nats.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'
import { type Replica, startReplica, startService } from '../support/replica.ts'
import { workCalls } from '../work/work-calls.ts'
import { writeHandlers } from './write-handlers.ts'

// What runs on a system that is full: jobs wait, run, are delayed, retried and dead in every lane, requests run,
// messages wait, schedules tick. Each service, and setup, has its own user of nats/nats.conf.

type User = 'setup' | 'api' | 'keeper' | 'job' | 'workflow' | 'ingest' | 'backup'

const PASSWORD = 'development-only'
const SOON = { timeout: 20_000 }
const LONG_MS = 600_000
const SLOTS = 3
const WAITING = 3
const STREAMS = ['JOBS', 'KEYS', 'SCHEDULES', 'REQUESTS', 'DEFINITIONS', 'MESSAGES', 'INGEST']

const undo = new AsyncDisposableStack()
let dir: string
let handlers: string
let nats: GuardedNats
let api: Replica
let keeper: Replica
let job: Replica
let workflow: Replica

const as = (user: User) => ({
  NATS_URL: nats.url,
  NATS_USER: user,
  NATS_PASSWORD: PASSWORD,
  DATA_DIR: join(dir, 'data'),
  COOLDOWN_MS: '0',
  HANDLERS_DIR: handlers,
})

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-full-'))
  undo.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))
  handlers = join(dir, 'handlers')
  await mkdir(handlers)
  await writeHandlers(handlers, { wide: null, narrow: 1 })
  nats = undo.use(await startGuardedNats(dir, {}))
  await setUp()
  keeper = await start('keeper', {})
  api = await start('api', {})
  ;[job, workflow] = await Promise.all([
    start('job', { JOB_SLOTS: String(SLOTS), DRAIN_MS: '0', JOB_TIMEOUT_MS: String(LONG_MS) }),
    start('workflow', {}),
  ])
  await fill()
})

afterAll(() => undo.disposeAsync())

test('setup runs again, and again, and changes nothing', async () => {
  const before = await whatTheBrokerHas()
  for (let runs = 0; runs < 3; runs++) await setUp()
  expect(await whatTheBrokerHas()).toEqual(before)
})

test('setup gives a type a limit and takes another one its own, and every job comes through the new lanes', async () => {
  const before = await unendedOf('wide', 'narrow')
  await writeHandlers(handlers, { wide: 2, narrow: null })
  await setUp()
  expect(await limitsOf('wide', 'narrow')).toEqual([2, null])
  expect(await unendedOf('wide', 'narrow')).toEqual(before)
  const changed = await whatTheBrokerHas()
  await setUp()
  expect((await whatTheBrokerHas()).consumers.map(({ config }) => config)).toEqual(
    changed.consumers.map(({ config }) => config),
  )
  await writeHandlers(handlers, { wide: null, narrow: 4 })
  await setUp()
  expect(await limitsOf('wide', 'narrow')).toEqual([null, 4])
  expect(await unendedOf('wide', 'narrow')).toEqual(before)
})

test('an operator and callers change jobs, types, requests, schedules and messages', async () => {
  for (const type of ['wide', 'narrow']) {
    const address = `${api.url}/v1/types/${type}`
    expect(await send('POST', `${address}/pause`)).toMatchObject({ status: 200 })
    const { body } = await send('GET', address)
    for (const concurrency of [5, null, body['concurrency']])
      expect(await send('PATCH', address, { concurrency })).toMatchObject({ status: 200, body: { concurrency } })
    expect(await send('POST', `${address}/resume`)).toMatchObject({ status: 200 })
    const failed = await oneOf(`status=failed&type=${type}`)
    expect(await send('POST', `${failed}/retry`)).toMatchObject({ status: 202 })
    const scheduled = await oneOf(`status=scheduled&type=${type}`)
    expect(await send('GET', `${scheduled}/why`)).toMatchObject({ status: 200 })
    expect(await send('PATCH', scheduled, { delay_ms: LONG_MS + 1 })).toMatchObject({ status: 200 })
    expect(await send('DELETE', scheduled)).toMatchObject({ status: 200 })
    const waiting = await makeJob(api, { type, payload: {} })
    expect(await send('GET', `${api.url}/v1/jobs/${waiting}/why`)).toMatchObject({ status: 200 })
    expect(await send('GET', `${api.url}/v1/jobs/${waiting}/events`)).toMatchObject({ status: 200 })
    expect(await send('DELETE', `${api.url}/v1/jobs/${waiting}`)).toMatchObject({ status: 200 })
  }
  expect(await postTo(`${api.url}/v1/redrive`, { status: ['cancelled'] })).toMatchObject({ status: 200 })
  expect(await send('GET', `${api.url}/v1/events?type=wide`)).toMatchObject({ status: 200 })
  expect(await postTo(`${api.url}/v1/message/dead/redrive`, {})).toMatchObject({ body: { redriven: 1 } })
  const requests = (await getFrom(`${workflow.url}/v1/requests`)).body['items'] as { request_id: string }[]
  expect(requests).toHaveLength(2)
  for (const { request_id: id } of requests) {
    expect(await send('POST', `${workflow.url}/v1/requests/${id}/signals/go`)).toMatchObject({ status: 200 })
    expect(await send('DELETE', `${workflow.url}/v1/requests/${id}`)).toMatchObject({ status: 200 })
  }
  const schedule = `${api.url}/v1/schedules/often`
  expect(
    await send('PUT', schedule, { every_ms: 1_000, job: { type: 'add', payload: { numbers: [1] } } }),
  ).toMatchObject({ status: 201 })
  await expect.poll(async () => (await getFrom(schedule)).body['last_job_id'], SOON).toEqual(expect.any(String))
  expect(await send('DELETE', schedule)).toMatchObject({ status: 204 })
})

test('HTTP workers get a type of their own, claim its jobs, end them, and outlive the process that lent them', async () => {
  const type = `${api.url}/v1/types/lent`
  expect(await send('PUT', type, { runner: 'http' })).toMatchObject({ status: 201 })
  expect(await send('PUT', type, { runner: 'http', policy: { concurrency: 5 } })).toMatchObject({ status: 200 })
  const calls = workCalls(api.url)
  const other = await start('job', {})
  for (const lender of [other, job]) {
    await makeJob(api, { type: 'lent' })
    const lent = await calls.claimOne('lent', { lease_s: 60 })
    expect(await calls.extend(lent.lease, { percent: 10 })).toMatchObject({ status: 'ok' })
    if (lender === job) await job.restart({})
    else lender.kill('SIGKILL')
    expect(await calls.extend(lent.lease, { percent: 20 })).toMatchObject({ status: 'ok' })
    expect(await calls.end(lent, 'complete')).toMatchObject({ status: 200 })
    expect(await getFrom(`${api.url}/v1/jobs/${lent.job_id}/why`)).toMatchObject({ status: 200 })
  }
  await vi.waitFor(async () => expect(await send('DELETE', type)).toMatchObject({ status: 204 }), {
    timeout: 40_000,
    interval: 500,
  })
})

test('every service starts again, trims and makes its store anew, and what waited comes to its end', async () => {
  await Promise.all([
    api.restart(),
    keeper.restart({ LOG_RETENTION_MS: '0', HOUSEKEEPING_MS: '200' }),
    job.restart({ JOB_SLOTS: '20' }),
    workflow.restart({ HOUSEKEEPING_MS: '200' }),
    start('ingest', { INGEST_HANDLER: join(import.meta.dirname, '../handlers/batches/refuser.ts') }),
  ])
  await runToEnd('keeper/rebuild.ts', as('keeper'))
  const list = await getFrom(`${api.url}/v1/jobs?status=processing&limit=100`)
  expect(list.status).toBe(200)
  for (const id of runners) expect(await send('DELETE', `${api.url}/v1/jobs/${id}`)).toMatchObject({ status: 200 })
  for (const id of waiting) await untilJob(api, id, { status: 'finished' })
  const processed = async () => (await getFrom(`${api.url}/v1/message/workers`)).body['messages_total']
  await expect.poll(processed, SOON).toBe(3)
  // Ended jobs leave the log while it is still in use.
  await expect.poll(async () => (await stateOf('JOBS')).first_seq, SOON).toBeGreaterThan(1)
  await setUp()
})

test('nobody was refused anything by the broker', async () => {
  expect(await readFile(nats.logFile, 'utf8')).not.toMatch(/Violation/)
})

const waiting: string[] = []
const runners: string[] = []

/** Creates something of every kind, in every lane. */
async function fill(): Promise<void> {
  for (const type of ['wide', 'narrow']) {
    const failed = await makeJob(api, { type, payload: { fails: true } })
    await untilJob(api, failed, { status: 'failed' })
    const retried = await makeJob(api, {
      type,
      payload: { fails: true },
      attempts: 2,
      backoff: { kind: 'fixed', base_ms: LONG_MS, max_ms: LONG_MS, jitter: 0 },
    })
    await untilJob(api, retried, { phase: 'retrying' })
    for (let n = 0; n < 2; n++) await makeJob(api, { type, payload: {}, delay_ms: LONG_MS })
    runners.push(await makeJob(api, { type, payload: { ms: LONG_MS } }))
  }
  runners.push(await makeJob(api, { type: 'wide', payload: { ms: LONG_MS } }))
  for (const id of runners) await untilRunning(api, id)
  for (const priority of ['low', 'normal', 'high'])
    for (const type of ['wide', 'narrow', 'add'])
      for (let n = 0; n < WAITING; n++)
        waiting.push(
          await makeJob(api, { type, priority: type === 'wide' ? priority : undefined, payload: { numbers: [1] } }),
        )
  const steps = [
    { name: 'one', jobs: [{ name: 'x', type: 'wide', payload: {} }] },
    { name: 'two', signal: 'go' },
  ]
  for (let n = 0; n < 2; n++)
    expect(await postTo(`${workflow.url}/v1/requests`, { steps })).toMatchObject({ status: 201 })
  expect(await send('PUT', `${workflow.url}/v1/definitions/d`, { steps })).toMatchObject({ status: 201 })
  const yearly = { cron: '0 0 1 1 *', job: { type: 'wide', payload: {} } }
  expect(await send('PUT', `${api.url}/v1/schedules/yearly`, yearly)).toMatchObject({ status: 201 })
  const messages = ['a', 'b'].map((value) => ({ timestamp: '2026-11-22T18:00:00Z', value }))
  expect(await postTo(`${api.url}/message`, messages, { 'Idempotency-Key': 'm' })).toMatchObject({ status: 201 })
  const dead = { timestamp: '2026-11-22T18:00:00Z', value: 'x', error: 'no', attempts: 5, died_at: 'now' }
  await using nc = await login('ingest')
  await nc.request('message:dead.0.7', JSON.stringify(dead))
  await vi.waitFor(async () => {
    expect((await getFrom(`${workflow.url}/v1/requests?status=inprogress`)).body['items']).toHaveLength(2)
  }, SOON)
  for (const id of waiting) expect((await readJob(api, id)).status).toBe('processing')
}

async function start(name: User, own: Record<string, string>): Promise<Replica> {
  const replica = await startReplica({ name, file: `${name}/main.ts`, dir, env: { ...as(name), ...own } })
  undo.defer(() => replica.stop())
  return replica
}

const setUp = () => runToEnd('job/setup.ts', as('setup'))

async function runToEnd(file: string, env: Record<string, string>): Promise<void> {
  const logFile = join(dir, 'command.log')
  const command = await startService(file, env, logFile)
  expect((await command.exited).code, await readFile(logFile, 'utf8')).toBe(0)
}

async function login(user: User): Promise<NatsConnection & AsyncDisposable> {
  const nc = await connect({ servers: nats.url, user, pass: PASSWORD, inboxPrefix: `_INBOX_${user}`, reconnect: false })
  return Object.assign(nc, { [Symbol.asyncDispose]: () => nc.close() })
}

async function stateOf(stream: string) {
  await using nc = await login('backup')
  return (await (await jetstreamManager(nc)).streams.info(stream)).state
}

/** Everything that a setup could change, without values that change by themselves. */
async function whatTheBrokerHas() {
  await using nc = await login('backup')
  const manager = await jetstreamManager(nc)
  const streams = []
  const consumers = []
  for (const name of STREAMS) {
    const { config, state } = await manager.streams.info(name)
    streams.push({ config, last: state.last_seq })
    for await (const { config: settings, created, ack_floor, ...counts } of manager.consumers.list(name)) {
      const { num_pending, num_ack_pending } = counts
      consumers.push({ config: settings, created, floor: ack_floor.stream_seq, num_pending, num_ack_pending })
    }
  }
  // A service's consumers of the moment, which the broker forgets by itself, belong to no state.
  const lasting = consumers.filter(({ config }) => !config.mem_storage)
  return { streams, consumers: lasting.toSorted((a, b) => ((a.config.name ?? '') < (b.config.name ?? '') ? -1 : 1)) }
}

const types = async () => (await getFrom(`${api.url}/v1/types`)).body['items'] as TypeCounts[]
interface TypeCounts {
  type: string
  waiting: number
  running: number
  concurrency: number | null
}

const unendedOf = async (...names: string[]) =>
  (await types()).filter(({ type }) => names.includes(type)).map(({ waiting: w, running }) => w + running)

const limitsOf = (...names: string[]) =>
  Promise.all(names.map(async (name) => (await types()).find(({ type }) => type === name)?.concurrency))

/** The address of the newest of these. */
async function oneOf(query: string): Promise<string> {
  const { body } = await getFrom(`${api.url}/v1/jobs?${query}`)
  return `${api.url}/v1/jobs/${(body['items'] as { job_id: string }[])[0]?.job_id ?? ''}`
}
