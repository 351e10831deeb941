import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { workCalls } from '../work/work-calls.ts'
import { type ComposeProject, startComposeProject } from './compose-project.ts'
import { howAllEnded, untilAllEnded, untilEnded } from './jobs.ts'
import { knownToNginx } from './known-to-nginx.ts'
import { startSteadyClient } from './steady-client.ts'

// docker-compose.yml as a user runs it, from outside: through nginx's port and by `docker compose` alone.

const MB = 1_000_000
let hasty: ComposeProject
let upSeconds: number

beforeAll(async () => {
  hasty = await startComposeProject({
    env: { SLEEP_MIN_MS: '200', SLEEP_MAX_MS: '1000', JOB_SLOTS: '50', HASTY_HANDLERS: './e2e/compose/handlers' },
  })
  const startedMs = performance.now()
  await hasty.up()
  upSeconds = (performance.now() - startedMs) / 1000
})

afterAll(() => hasty?.[Symbol.asyncDispose]())

const post = (body: Record<string, unknown>) => postTo(hasty.url, body)

test('everything is healthy in under a minute, and the image is below 350 MB', async () => {
  const [size] = (await hasty.docker('image', 'inspect', '--format', '{{.Size}}', hasty.image)).trim().split('\n')
  expect(upSeconds).toBeLessThan(60)
  expect(Number(size)).toBeLessThan(350 * MB)
})

test('setup ends, everything else runs, and only nginx has a port of this machine', async () => {
  const containers = await hasty.containers()
  const states = Object.fromEntries(containers.map(({ service, state, health }) => [service, [state, health]]))
  const healthy = ['running', 'healthy']
  expect(states).toEqual({
    nginx: healthy,
    api: healthy,
    keeper: healthy,
    job: healthy,
    workflow: healthy,
    ingest: healthy,
    nats: healthy,
    mongo: healthy,
    setup: ['exited', ''],
  })
  const published = containers.filter((container) => container.published.length > 0)
  expect(published.map(({ service }) => service)).toEqual(['nginx'])
})

test('a job goes through nginx to its end, and its object_id rests for five minutes', async () => {
  const { status, headers, body } = await post({ object_id: 'invoice-42' })
  expect(status).toBe(201)
  const jobId = String(body['job_id'])
  expect(headers.get('location')).toBe(`/${jobId}`)
  expect((await getFrom(`${hasty.url}/${jobId}`)).status).toBe(200)
  const again = await post({ object_id: 'invoice-42' })
  expect(again).toMatchObject({ status: 400, body: { code: 'cooldown', job_id: jobId } })
  const ended = await untilEnded(hasty.url, jobId)
  expect(ended).toMatchObject({ status: 'finished', attempts: [{ attempt: 1, outcome: 'finished' }] })
  expect((ended.result as { sleep_time_used: number }).sleep_time_used).toBeGreaterThanOrEqual(200)
})

test('a request goes through nginx to its end, over a kill -9 of the workflow service', async () => {
  await hasty.scale({ workflow: 2 })
  await expect.poll(async () => (await knownToNginx(hasty, '/v1/requests')).size, { timeout: 10_000 }).toBe(2)
  const steps = ['one', 'two', 'three'].map((name) => ({
    name,
    jobs: [1, 2, 3].map((n) => ({ name: `sum-${n}`, type: 'add', payload: { numbers: [n, n] } })),
  }))
  const address = `${hasty.url}/v1/requests`
  const made = await postTo(address, { steps: [...steps, { name: 'last', signal: 'go' }] })
  expect(made.status).toBe(201)
  const request = `${address}/${String(made.body['request_id'])}`
  await killOne('workflow')
  expect(await postTo(`${request}/signals/go`, {})).toMatchObject({ status: 200 })
  await expect.poll(async () => (await getFrom(request)).body['status'], { timeout: 60_000 }).toBe('completed')
  // A list is a moment behind; what the killed one was about to store comes again after its lease.
  await expect
    .poll(() => getFrom(`${address}?status=completed`), { timeout: 30_000 })
    .toMatchObject({ status: 200, body: { items: [{}] } })
  await expect.poll(() => areAllHealthy('workflow'), { timeout: 30_000 }).toBe(true)
})

test('messages go through nginx into files of the shared volume, each once, over a kill -9 of an ingest service', async () => {
  await hasty.scale({ ingest: 2 })
  const timestampOf = (second: number) => new Date(Date.UTC(2026, 10, 22, 18, 0, second)).toISOString()
  const sendFrom = (from: number) =>
    postTo(
      `${hasty.url}/message`,
      Array.from({ length: 500 }, (_, n) => ({ timestamp: timestampOf(from + n) })),
    )
  expect(await sendFrom(0)).toMatchObject({ status: 201, body: { accepted: 500 } })
  await killOne('ingest')
  expect(await sendFrom(500)).toMatchObject({ status: 201 })
  const lines = async () => {
    const text = await hasty.compose('exec', '-T', 'ingest', 'sh', '-c', 'cat /output/shard-*/batch-*.ndjson')
    return text.trim().split('\n')
  }
  await expect.poll(async () => (await lines().catch(() => [])).length, { timeout: 30_000 }).toBe(1_000)
  expect(new Set((await lines()).map((line) => (JSON.parse(line) as { timestamp: string }).timestamp)).size).toBe(1_000)
  await expect.poll(() => areAllHealthy('ingest'), { timeout: 30_000 }).toBe(true)
})

test('an HTTP worker claims a job through nginx and ends it, over a kill -9 of a job service', async () => {
  await hasty.scale({ job: 2 })
  expect(await send('PUT', `${hasty.url}/v1/types/lent`, { runner: 'http' })).toMatchObject({ status: 201 })
  const calls = workCalls(hasty.url)
  const { body } = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'lent-1', type: 'lent', payload: { a: 1 } })
  const job = await calls.claimOne('lent', { lease_s: 60 })
  expect(job).toMatchObject({ job_id: body['job_id'], payload: { a: 1 }, attempt: 1 })
  await killOne('job')
  expect(await calls.extend(job.lease, { percent: 50 })).toMatchObject({ status: 'ok' })
  expect(await calls.end(job, 'complete', { result: 'done' })).toMatchObject({ status: 200 })
  expect(await untilEnded(hasty.url, job.job_id)).toMatchObject({
    status: 'finished',
    result: 'done',
    attempts: [{ attempt: 1, worker_id: 'w1' }],
  })
  await expect.poll(() => areAllHealthy('job'), { timeout: 30_000 }).toBe(true)
})

test('nginx’s own errors are problems, and its headers do not name a version', async () => {
  const { status, headers, body } = await post({ object_id: 'x'.repeat(2 * MB) })
  expect({ status, code: body['code'] }).toEqual({ status: 413, code: 'payload-too-large' })
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(headers.get('server')).toBe('nginx')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
})

test.each(['api', 'keeper', 'job', 'workflow', 'ingest'])(
  '%s runs without rights and cannot write into its image',
  async (service) => {
    const id = await hasty.compose(
      'exec',
      '-T',
      service,
      'sh',
      '-c',
      'id -u; touch /app/x 2>&1 || true; touch /tmp/x && echo tmp',
    )
    expect(id).toMatch(/^1000\n.*Read-only file system\ntmp\n$/s)
    const caps = await hasty.compose('exec', '-T', service, 'sh', '-c', 'grep CapEff /proc/self/status')
    expect(caps).toMatch(/CapEff:\s0+\n/)
  },
)

test.each(['api', 'keeper', 'job', 'workflow', 'ingest'])('%s finds all that it imports compiled', async (service) => {
  const start = `NODE_DEBUG_NATIVE=COMPILE_CACHE PORT=none node services/${service}/main.ts 2>&1 || [ $? = 2 ]`
  const said = await hasty.compose('exec', '-T', service, 'sh', '-c', start)
  const reads = said.split('\n').filter((line) => line.includes('reading cache from /app/compiled/'))
  expect(reads.length).toBeGreaterThan(300)
  expect(reads.filter((line) => !line.includes('success'))).toEqual([])
})

test('the logs warn about the development passwords', async () => {
  expect(await hasty.compose('logs', '--no-log-prefix', 'nats')).toContain('WARNING: development passwords')
  expect(await hasty.compose('logs', '--no-log-prefix', 'api')).toContain('NATS_PASSWORD is the development default')
})

test('Prometheus of the profile `tools` finds every replica', async () => {
  await hasty.scale({ api: 2, keeper: 2, job: 2, workflow: 2, ingest: 2 })
  await hasty.compose('--profile', 'tools', 'up', '--detach', '--no-deps', '--wait', 'prometheus')
  const address = (await hasty.compose('--profile', 'tools', 'port', 'prometheus', '9090')).trim()
  const upOf = async (job: string) => {
    const { body } = await getFrom(
      `http://${address}/api/v1/query?query=${encodeURIComponent(`sum(up{job="${job}"})`)}`,
    )
    return (body as { data: { result: { value: [number, string] }[] } }).data.result[0]?.value[1]
  }
  await expect.poll(() => upOf('api'), { timeout: 40_000, interval: 500 }).toBe('2')
  await expect.poll(() => upOf('keeper'), { timeout: 40_000, interval: 500 }).toBe('2')
  await expect.poll(() => upOf('job'), { timeout: 40_000, interval: 500 }).toBe('2')
  await expect.poll(() => upOf('workflow'), { timeout: 40_000, interval: 500 }).toBe('2')
  await expect.poll(() => upOf('ingest'), { timeout: 40_000, interval: 500 }).toBe('2')
  await hasty.compose('--profile', 'tools', 'rm', '--force', '--stop', '--volumes', 'prometheus')
})

describe('under the requests of a plain client', () => {
  test('a worker’s death costs no job: what it held runs elsewhere within 15 s', async () => {
    await hasty.scale({ api: 3, job: 2 })
    const nap = { type: 'nap', payload: { ms: 1_000 } }
    const client = startSteadyClient(hasty.url, (n) => ({ object_id: `worker-${n}`, ...nap }))
    await client.more(100)
    await killOne('job')
    // Dead by now: the engine itself takes a second or more to deliver the signal.
    const killedAtMs = Date.now()
    await client.more(100)
    await client.stop()
    expect(client.failed).toEqual([])
    const jobs = await untilAllEnded(hasty.url, client.load.accepted)
    expect(jobs.filter(({ status }) => status !== 'finished')).toEqual([])
    const again = jobs.filter(({ attempts }) => attempts.length > 1)
    const waits = again.map(({ attempts }) => Date.parse(attempts[1]?.started_at ?? '') - killedAtMs)
    expect(again.length).toBeGreaterThan(0)
    expect(Math.max(...waits)).toBeLessThan(15_000)
    await expect.poll(() => areAllHealthy('job'), { timeout: 30_000 }).toBe(true)
  })

  test('an api’s death costs at most the requests that it held', async () => {
    const client = startSteadyClient(hasty.url, (n) => ({ object_id: `api-${n}` }))
    await client.more(100)
    const startedMs = Date.now()
    await killOne('api')
    const endedMs = Date.now()
    await client.more(150)
    await client.stop()
    const { failed } = client
    // Under way while it died; every other one must have been answered.
    expect(failed.filter((one) => one.startedMs > endedMs || one.endedMs < startedMs)).toEqual([])
    expect(await howAllEnded(hasty.url, client.load.accepted)).toEqual({ finished: client.load.accepted.length })
    await expect.poll(() => areAllHealthy('api'), { timeout: 30_000 }).toBe(true)
  })
})

test('after `down` and `up` every job and the cooldown are still there', async () => {
  const { body } = await post({ object_id: 'kept' })
  const before = await untilEnded(hasty.url, String(body['job_id']))
  await hasty.compose('down', '--timeout', '20')
  await hasty.up()
  expect((await getFrom(`${hasty.url}/${before.job_id}`)).body).toEqual(before)
  expect(await post({ object_id: 'kept' })).toMatchObject({
    status: 400,
    body: { code: 'cooldown', job_id: before.job_id },
  })
})

async function killOne(service: string): Promise<void> {
  const [victim] = await hasty.containers(service)
  if (victim === undefined) throw new Error(`no container of ${service}`)
  await hasty.killProcess(victim, 'node')
}

const areAllHealthy = async (service: string): Promise<boolean> =>
  (await hasty.containers(service)).every(({ health }) => health === 'healthy')
