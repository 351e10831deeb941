import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { type GuardedNats, startGuardedNats } from '../support/guarded-nats.ts'
import { type Replica, startReplica, startService } from '../support/replica.ts'

// The users of nats/nats.conf, each with the calls of its service, and with calls that it must not make.

/** A value with every kind of character that a configuration could read as something else than text. */
const passwords = {
  setup: '4222',
  api: 'a"b\\c',
  keeper: '{x}',
  job: 'true',
  workflow: '1h',
  ingest: '0x1F',
  backup: '$HOME # 10ms',
}
type User = keyof typeof passwords

const undo = new AsyncDisposableStack()
let dir: string
let nats: GuardedNats
let api: Replica

const as = (user: User) => ({
  NATS_URL: nats.url,
  NATS_USER: user,
  NATS_PASSWORD: passwords[user],
  HANDLERS_DIR: join(dir, 'handlers'),
})

/** Makes a job for now and one for later. */
const MAKER = `export const handler = {
  type: 'maker',
  async run(_payload, { create }) {
    await create('later', 'add', { numbers: [1] }, { delayMs: 60_000 })
    return (await create('now', 'add', { numbers: [1] })).jobId
  },
}`

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-privilege-'))
  undo.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))
  await mkdir(join(dir, 'handlers'))
  await writeFile(join(dir, 'handlers/maker.ts'), MAKER)
  const jobFile = join(dir, 'job-password')
  await writeFile(jobFile, `${passwords.job}\n`)
  nats = undo.use(
    await startGuardedNats(dir, {
      NATS_SETUP_PASSWORD: passwords.setup,
      NATS_API_PASSWORD: passwords.api,
      NATS_KEEPER_PASSWORD: passwords.keeper,
      NATS_JOB_PASSWORD_FILE: jobFile,
      NATS_WORKFLOW_PASSWORD: passwords.workflow,
      NATS_INGEST_PASSWORD: passwords.ingest,
      NATS_BACKUP_PASSWORD: passwords.backup,
    }),
  )
})

afterAll(() => undo.disposeAsync())

async function login(user: User, inboxPrefix = `_INBOX_${user}`): Promise<NatsConnection> {
  return connect({ servers: nats.url, user, pass: passwords[user], inboxPrefix, reconnect: false })
}

/** The reason why the broker refuses a call of this user, or its answer. */
async function attempt(user: User, subject: string, body = ''): Promise<unknown> {
  const nc = await login(user)
  try {
    return await nc
      .request(subject, body, { timeout: 2_000 })
      .catch((error: unknown) => (error instanceof Error ? error.cause : error))
  } finally {
    await nc.close()
  }
}

const noCooldown = { COOLDOWN_MS: '0' }
const quickSleep = { SLEEP_MIN_MS: '10', SLEEP_MAX_MS: '20' }
const refusal: unknown = expect.any(PermissionViolationError)

test('setup, api, keeper, job, workflow and ingest each do their work as their own user', async () => {
  await runSetup()
  // Nothing is kept longer than needed, so that the trimming shows too.
  const env = {
    ...noCooldown,
    DATA_DIR: join(dir, 'data'),
    LOG_RETENTION_MS: '0',
    HOUSEKEEPING_MS: '200',
    ...quickSleep,
  }
  const passwordFile = join(dir, 'api-password')
  await writeFile(passwordFile, passwords.api)
  const apiEnv = { NATS_URL: nats.url, NATS_USER: 'api', NATS_PASSWORD_FILE: passwordFile }
  const start = async (name: string, own: Record<string, string>) => {
    const replica = await startReplica({ name, file: `${name}/main.ts`, dir, env: { ...env, ...own } })
    undo.defer(() => replica.stop())
    return replica
  }
  const keeper = await start('keeper', as('keeper'))
  api = await start('api', apiEnv)
  const [job, workflow] = await Promise.all([start('job', as('job')), start('workflow', as('workflow'))])
  const accepted = await postTo(api.url, { object_id: 'a' }, { 'Idempotency-Key': 'key-1' })
  expect(accepted.status).toBe(201)
  await useControls(api.url)
  await makeByHandler(api.url)
  await useMessages(api.url)
  await useRequests(workflow.url)
  const refuser = join(import.meta.dirname, '../handlers/batches/refuser.ts')
  const ingest = await start('ingest', { ...as('ingest'), INGEST_HANDLER: refuser, BATCH_MAX_WAIT_MS: '50' })
  await processMessages(api.url)
  const schedule = `${api.url}/v1/schedules/s`
  expect(
    await send('PUT', schedule, { every_ms: 1_000, job: { type: 'add', payload: { numbers: [1] } } }),
  ).toMatchObject({ status: 201 })
  const ticked = { last_job_id: expect.any(String) as string }
  await vi.waitFor(async () => expect((await getFrom(schedule)).body).toMatchObject(ticked), { timeout: 10_000 })
  expect(await send('DELETE', schedule)).toMatchObject({ status: 204 })
  const read = () => getFrom(`${api.url}/${String(accepted.body['job_id'])}`)
  await expect.poll(async () => (await read()).body['status'], { timeout: 10_000 }).toBe('finished')
  await vi.waitFor(async () => expect(await firstSeq()).toBeGreaterThan(1), { timeout: 10_000 })
  const metrics = async () => (await fetch(`${keeper.url}/metrics`)).text()
  await expect.poll(metrics, { timeout: 10_000 }).toContain('hasty_requests_open{status="inprogress"')
  const logs = (await Promise.all([api, keeper, job, workflow, ingest].map((replica) => replica.logs()))).flat()
  const isOfAuth = (msg: unknown) => String(msg).startsWith('AUTH is off')
  expect(logs.filter(({ level, msg }) => level !== 'info' && !isOfAuth(msg))).toEqual([])
  expect(await readFile(nats.logFile, 'utf8')).not.toMatch(/Violation|WARNING/)
})

test('a worker whose lane is missing says what to run, and ends', async () => {
  const logFile = join(dir, 'lost.log')
  const handlers = await mkdtemp(join(dir, 'handlers-'))
  await writeFile(join(handlers, 'new.ts'), 'export const handler = { type: "new", run: () => 1 }')
  const worker = await startService('job/main.ts', { ...as('job'), PORT: '0', HANDLERS_DIR: handlers }, logFile)
  expect(await worker.exited).toEqual({ code: 1, signal: null })
  expect(await readFile(logFile, 'utf8')).toContain('run services/job/setup.ts first')
})

test('without a password, or with a wrong one, nobody gets in', async () => {
  await expect(connect({ servers: nats.url })).rejects.toThrow(/authorization/i)
  await expect(connect({ servers: nats.url, user: 'api', pass: 'development-only' })).rejects.toThrow(/authorization/i)
})

test.each<[string, User, string]>([
  ['a worker fires no timer', 'job', 'job:due.sleep.normal.x.t'],
  ['a worker arms no timer', 'job', 'job:timer.sleep.normal.x.t'],
  ['the api ends no job', 'api', 'job:finished.sleep.normal.x'],
  ['the api empties no log', 'api', '$JS.API.STREAM.PURGE.JOBS'],
  ['the api takes nothing from the feed of the projection', 'api', '$JS.API.CONSUMER.MSG.NEXT.JOBS.projection'],
  ['the api takes no delayed event', 'api', '$JS.API.CONSUMER.MSG.NEXT.JOBS.arm-timers'],
  ['the keeper cancels no job', 'keeper', 'job:cancelled.sleep.normal.x'],
  ['the keeper finishes no job', 'keeper', 'job:finished.sleep.normal.x'],
  ['the keeper starts no job', 'keeper', 'job:started.sleep.normal.x'],
  ['the keeper fires no timer', 'keeper', 'job:due.sleep.normal.x.t'],
  ['the keeper makes no lane', 'keeper', '$JS.API.CONSUMER.CREATE.JOBS.work-sleep-normal.job:created.sleep.normal.*'],
  ['the keeper changes no lane by its old name', 'keeper', '$JS.API.CONSUMER.DURABLE.CREATE.JOBS.work-sleep-normal'],
  ['the keeper removes no lane', 'keeper', '$JS.API.CONSUMER.DELETE.JOBS.work-sleep-normal'],
  ['the keeper pauses no lane', 'keeper', '$JS.API.CONSUMER.PAUSE.JOBS.work-sleep-normal'],
  ['the keeper takes nothing from a lane', 'keeper', '$JS.API.CONSUMER.MSG.NEXT.JOBS.work-sleep-normal'],
  ['the keeper acks nothing of a lane', 'keeper', '$JS.ACK.JOBS.work-sleep-normal.1.1.1.1.0'],
  ['the keeper reads no idempotency key', 'keeper', '$JS.API.STREAM.MSG.GET.KEYS'],
  ['the keeper removes no schedule', 'keeper', '$JS.API.STREAM.PURGE.SCHEDULES'],
  ['the keeper accepts no message', 'keeper', 'message:received.0'],
  ['setup writes no event', 'setup', 'job:created.sleep.normal.x'],
  ['backup writes no event', 'backup', 'job:created.sleep.normal.x'],
  ...(['api', 'keeper', 'job', 'setup'] as const).flatMap((user): [string, User, string][] => [
    [`${user} removes no stream`, user, '$JS.API.STREAM.DELETE.JOBS'],
    [`${user} removes no event`, user, '$JS.API.STREAM.MSG.DELETE.JOBS'],
    [`${user} takes no snapshot`, user, '$JS.API.STREAM.SNAPSHOT.JOBS'],
  ]),
  ...(['api', 'keeper', 'job'] as const).flatMap((user): [string, User, string][] => [
    [`${user} makes no stream`, user, '$JS.API.STREAM.CREATE.MORE'],
    [`${user} changes no stream`, user, '$JS.API.STREAM.UPDATE.JOBS'],
    [`${user} rewinds no lane`, user, '$JS.API.CONSUMER.RESET.JOBS.work-sleep-normal'],
  ]),
  ['a worker makes and changes no lane', 'job', '$JS.API.CONSUMER.CREATE.JOBS.work-sleep-normal'],
  ['a worker changes no lane by a filter', 'job', '$JS.API.CONSUMER.CREATE.JOBS.work-sleep-normal.*.*.*.*'],
  ['a worker changes no lane by its old name', 'job', '$JS.API.CONSUMER.DURABLE.CREATE.JOBS.work-sleep-normal'],
  ['a worker removes no lane', 'job', '$JS.API.CONSUMER.DELETE.JOBS.work-sleep-normal'],
  ['a worker pauses no lane', 'job', '$JS.API.CONSUMER.PAUSE.JOBS.work-sleep-normal'],
  ['the api takes nothing from a lane', 'api', '$JS.API.CONSUMER.MSG.NEXT.JOBS.work-sleep-normal'],
  ['the api acks nothing', 'api', '$JS.ACK.JOBS.work-sleep-normal.1.1.1.1.0'],
  ['a worker empties no log', 'job', '$JS.API.STREAM.PURGE.JOBS'],
  ['setup reads no idempotency key', 'setup', '$JS.API.STREAM.MSG.GET.KEYS'],
  ['setup reads no request', 'setup', '$JS.API.STREAM.MSG.GET.REQUESTS'],
  ['the api arms no timer', 'api', 'job:timer.sleep.normal.x.t'],
  ['workflow arms no timer', 'workflow', 'job:timer.sleep.normal.x.t'],
  ['ingest keeps no key of a sender', 'ingest', 'message:key.x'],
  ['setup empties no log', 'setup', '$JS.API.STREAM.PURGE.JOBS'],
  ['a worker reads no idempotency key', 'job', '$JS.API.STREAM.MSG.GET.KEYS'],
  ['a worker makes no schedule', 'job', 'schedule.x'],
  ['a worker reads no schedule', 'job', '$JS.API.STREAM.MSG.GET.SCHEDULES'],
  ['a worker reads no schedule by the short way', 'job', '$JS.API.DIRECT.GET.SCHEDULES'],
  ['a worker removes no schedule', 'job', '$JS.API.STREAM.PURGE.SCHEDULES'],
  ['setup makes no schedule', 'setup', 'schedule.x'],
  ['setup removes no schedule', 'setup', '$JS.API.STREAM.PURGE.SCHEDULES'],
  ['nobody writes into another’s inbox', 'job', '_INBOX_api.x'],
  ['workflow starts no job', 'workflow', 'job:started.sleep.normal.x'],
  ['workflow ends no job as finished', 'workflow', 'job:finished.sleep.normal.x'],
  ['workflow ends no job as failed', 'workflow', 'job:failed.sleep.normal.x'],
  ['workflow fires no timer', 'workflow', 'job:due.sleep.normal.x.t'],
  ['workflow makes no schedule', 'workflow', 'schedule.x'],
  ['workflow trims no log', 'workflow', '$JS.API.STREAM.PURGE.JOBS'],
  ['workflow removes no event', 'workflow', '$JS.API.STREAM.MSG.DELETE.JOBS'],
  ['workflow removes no stream', 'workflow', '$JS.API.STREAM.DELETE.REQUESTS'],
  ['workflow changes no stream', 'workflow', '$JS.API.STREAM.UPDATE.REQUESTS'],
  ['workflow makes no consumer', 'workflow', '$JS.API.CONSUMER.CREATE.REQUESTS.more.request.*'],
  ['workflow removes no consumer', 'workflow', '$JS.API.CONSUMER.DELETE.JOBS.workflow'],
  ['workflow pauses no lane', 'workflow', '$JS.API.CONSUMER.PAUSE.JOBS.work-sleep-normal'],
  ['workflow takes nothing from a lane', 'workflow', '$JS.API.CONSUMER.MSG.NEXT.JOBS.work-sleep-normal'],
  ['workflow acks nothing of a lane', 'workflow', '$JS.ACK.JOBS.work-sleep-normal.1.1.1.1.0'],
  ...(['api', 'keeper', 'job', 'setup', 'backup'] as const).flatMap((user): [string, User, string][] => [
    [`${user} changes no request`, user, 'request.x'],
    [`${user} changes no definition`, user, 'definition.x.1'],
    [`${user} removes no request`, user, '$JS.API.STREAM.PURGE.REQUESTS'],
    [`${user} takes no end of a job from workflow`, user, '$JS.ACK.REQUESTS.workflow.1.1.1.1.0'],
  ]),
  ['the api takes no message', 'api', '$JS.API.CONSUMER.CREATE.MESSAGES.x.message:received.0'],
  ['the api changes no shard', 'api', 'shard.0'],
  ['a worker sends no message', 'job', 'message:received.0'],
  ['a worker removes no message', 'job', '$JS.API.STREAM.PURGE.MESSAGES'],
  ['ingest accepts no message', 'ingest', 'message:received.0'],
  ['ingest accepts no job', 'ingest', 'job:created.sleep.normal.x'],
  ['ingest reads no job', 'ingest', '$JS.API.STREAM.MSG.GET.JOBS'],
  ['ingest trims no log', 'ingest', '$JS.API.STREAM.PURGE.JOBS'],
  ['ingest removes no stream', 'ingest', '$JS.API.STREAM.DELETE.MESSAGES'],
  ['ingest changes no stream', 'ingest', '$JS.API.STREAM.UPDATE.MESSAGES'],
  ['ingest makes no consumer of jobs', 'ingest', '$JS.API.CONSUMER.CREATE.JOBS.more.job:created.*.*.*'],
  ...(['api', 'keeper', 'job', 'workflow', 'setup', 'backup'] as const).flatMap((user): [string, User, string][] => [
    [`${user} takes no shard`, user, 'shard.0'],
    [`${user} is no replica of ingest`, user, 'ingest-replica.x'],
    [`${user} takes no message from a shard`, user, '$JS.API.CONSUMER.MSG.NEXT.MESSAGES.ingest-0'],
  ]),
  ['a worker accepts no message', 'job', 'message:received.0'],
  ['the api takes no end of a job', 'api', '$JS.API.CONSUMER.MSG.NEXT.JOBS.workflow'],
  ['the api reads no request', 'api', '$JS.API.STREAM.MSG.GET.REQUESTS'],
  ['a worker asks nobody for work', 'job', 'worker.x.work'],
  ['the keeper asks nobody for work', 'keeper', 'worker.x.work'],
  ['the api answers no call for work', 'api', 'worker.answer.x.1'],
  ['the api ends no lease', 'api', 'worker.lent.ended'],
  ['the api calls no HTTP worker lost', 'api', 'worker.lent.lost'],
  ['the api calls no worker dead', 'api', 'worker.held'],
  ['the keeper calls no worker dead', 'keeper', 'worker.held'],
  ['the keeper asks no worker what it holds', 'keeper', 'worker.x.holds'],
  ['a worker reads no message by the short way', 'job', '$JS.API.DIRECT.GET.MESSAGES'],
  ['a worker reads no request', 'job', '$JS.API.STREAM.MSG.GET.REQUESTS'],
])('%s', async (_, user, subject) => {
  expect(await attempt(user, subject)).toEqual(refusal)
})

test.each<[User, string]>([
  ['job', '_INBOX_api.>'],
  ['job', '_INBOX.>'],
  ['job', '>'],
  ['job', 'job:created.>'],
  ['api', '_INBOX_job.>'],
  ['api', 'worker.held'],
  ['keeper', 'worker.held'],
  ['api', '>'],
  ['api', '$JS.API.>'],
  ['keeper', '_INBOX_api.>'],
  ['keeper', 'live.>'],
  ['setup', '_INBOX_api.>'],
  ['backup', 'live.>'],
  ['workflow', '_INBOX_api.>'],
  ['workflow', 'live.>'],
  ['workflow', 'request.*'],
  ['ingest', '_INBOX_api.>'],
  ['ingest', 'message:received.>'],
])('%s cannot listen on %s', async (user, subject) => {
  const nc = await login(user)
  try {
    const refused = Promise.withResolvers<unknown>()
    nc.subscribe(subject, { callback: (error) => refused.resolve(error) })
    await nc.flush()
    expect(await refused.promise).toEqual(refusal)
  } finally {
    await nc.close()
  }
})

/** Calls that an operator and a reader of events need of the broker. */
async function useControls(url: string): Promise<void> {
  const type = `${url}/v1/types/sleep`
  expect(await send('POST', `${type}/pause`)).toMatchObject({ status: 200, body: { paused: true } })
  const waiting = await postTo(`${url}/v1/jobs`, { object_id: 'b', type: 'sleep' })
  const job = `${url}/v1/jobs/${String(waiting.body['job_id'])}`
  const why = await getFrom(`${job}/why`)
  expect((why.body['reasons'] as { code: string }[])[0]?.code).toBe('paused')
  expect(await send('DELETE', job)).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  for (const concurrency of [3, null]) {
    expect(await send('PATCH', type, { concurrency })).toMatchObject({ status: 200, body: { concurrency } })
  }
  expect(await send('POST', `${type}/resume`)).toMatchObject({ status: 200, body: { paused: false } })
  expect(await getFrom(`${url}/v1/events?type=sleep`)).toMatchObject({ status: 200 })
  const sum = { object_id: 'c', type: 'add', payload: { numbers: [1, 2] } }
  expect(await postTo(`${url}/v1/jobs`, sum, { prefer: 'wait=10' })).toMatchObject({ status: 200, body: { result: 3 } })
}

/** A job that makes jobs, whose worker may do that. */
async function makeByHandler(url: string): Promise<void> {
  const parent = await postTo(`${url}/v1/jobs`, { object_id: 'd', type: 'maker' }, { prefer: 'wait=10' })
  expect(parent).toMatchObject({ status: 200, body: { status: 'finished' } })
  const child = `${url}/v1/jobs/${String(parent.body['result'])}`
  await vi.waitFor(async () => expect((await getFrom(child)).body).toMatchObject({ result: 1 }), { timeout: 10_000 })
}

/** Calls that senders and operators of messages need of the broker. */
async function useMessages(url: string): Promise<void> {
  const dead = { timestamp: '2026-11-22T18:00:00Z', value: 'x', error: 'no', attempts: 5, died_at: 'now' }
  for (const replayed of [null, 'true']) {
    const sent = await postTo(`${url}/message`, [{ timestamp: dead.timestamp }], { 'Idempotency-Key': 'messages-1' })
    expect([sent.status, sent.headers.get('idempotency-replayed')]).toEqual([201, replayed])
  }
  expect(await getFrom(`${url}/v1/message/workers`)).toMatchObject({ status: 200, body: { messages_total: 0 } })
  expect(await attempt('api', 'message:dead.0.7', JSON.stringify(dead))).toMatchObject({ data: expect.anything() })
  expect((await getFrom(`${url}/v1/message/dead`)).body['items']).toHaveLength(1)
  expect(await postTo(`${url}/v1/message/dead/redrive`, {})).toMatchObject({ status: 200, body: { redriven: 1 } })
}

/** Everything that a caller can do with requests and their jobs. */
async function useRequests(url: string): Promise<void> {
  const steps = [{ name: 's', jobs: [{ name: 'j', type: 'add', payload: { numbers: [1, 2] } }] }]
  const definition = `${url}/v1/definitions/sum`
  expect(await send('PUT', definition, { steps })).toMatchObject({ status: 201, body: { version: 1 } })
  const made = await postTo(`${url}/v1/requests`, { definition: 'sum' }, { 'Idempotency-Key': 'request-1' })
  expect(made).toMatchObject({ status: 201, body: { status: 'inprogress' } })
  const request = `${url}/v1/requests/${String(made.body['request_id'])}`
  const done = { status: 'completed', steps: [{ jobs: [{ result: 3 }] }] }
  await vi.waitFor(async () => expect((await getFrom(request)).body).toMatchObject(done), { timeout: 10_000 })
  const waiting = await postTo(`${url}/v1/requests`, {
    steps: [
      { name: 's', jobs: [{ name: 'j', type: 'sleep', payload: { ms: 60_000 } }] },
      { name: 't', signal: 'go' },
    ],
  })
  const other = `${url}/v1/requests/${String(waiting.body['request_id'])}`
  expect(await postTo(`${other}/signals/go`, {})).toMatchObject({ status: 200 })
  expect(await send('DELETE', other)).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  // After the running jobs have ended.
  await expect.poll(() => postTo(`${other}/retry`, {}), { timeout: 10_000 }).toMatchObject({ status: 202 })
  expect(await send('DELETE', other)).toMatchObject({ status: 200 })
  expect(await send('DELETE', definition)).toMatchObject({ status: 204 })
}

/** The messages of `useMessages`, the one that was put back included. */
async function processMessages(url: string): Promise<void> {
  const messages = ['a', 'refused'].map((value) => ({ timestamp: '2026-11-22T18:00:00Z', value }))
  expect(await postTo(`${url}/message`, messages)).toMatchObject({ status: 201 })
  const processed = async () => (await getFrom(`${url}/v1/message/workers`)).body['messages_total']
  await vi.waitFor(async () => expect(await processed()).toBe(3), { timeout: 10_000 })
  const dead = async () => (await getFrom(`${url}/v1/message/dead`)).body['items']
  await vi.waitFor(async () => expect(await dead()).toMatchObject([{ value: 'refused' }]), { timeout: 10_000 })
}

async function runSetup(): Promise<void> {
  const logFile = join(dir, 'setup.log')
  const setup = await startService('job/setup.ts', { ...as('setup'), ...noCooldown }, logFile)
  const { code } = await setup.exited
  expect(code, await readFile(logFile, 'utf8')).toBe(0)
}

async function firstSeq(): Promise<number> {
  const nc = await login('backup')
  try {
    const { state } = await (await jetstreamManager(nc)).streams.info('JOBS')
    return state.first_seq
  } finally {
    await nc.close()
  }
}
