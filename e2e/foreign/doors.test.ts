import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { parseStrictJson } from '#shared/http/strict-json.ts'
import { newJobId } from '#shared/ids/ids.ts'
import { systemClock } from '#shared/time/clock.ts'
import { createdPublication, openBus } from '../support/bus.ts'
import { postTo } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'
import { readLog } from '../support/read-log.ts'
import type { HostilePayload } from './handlers/hostile.ts'
import type { HostileBatchPayload } from './handlers/hostile-batch.ts'
import { type Hostile, hostile } from './hostile.ts'

// Any value that a handler can hand over, at every interface of the worker: the job ends within its attempts, the
// worker lives, its neighbours are unharmed, and the job can be read.

const IN_PROCESS = 240
const BATCHED = 80
/** Number of isolated jobs, each in a process of its own. */
const ISOLATED = 10
const DOORS = ['throw', 'reject', 'return', 'resolve later', 'progress', 'fail', 'retryLater', 'unawaited'] as const

const undo = new AsyncDisposableStack()
let hasty: Mixed<'job'>
let receiver: HttpTarget

beforeAll(async () => {
  receiver = undo.use(await startHttpTarget((_request, response) => response.writeHead(204).end()))
  hasty = undo.use(
    await startMixed(['job'], {
      env: { OUTBOUND_TRUSTED_HOSTS: receiver.host },
      jobEnv: {
        HANDLERS_DIR: 'e2e/foreign/handlers',
        JOB_SLOTS: '40',
        WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      },
    }),
  )
})
afterAll(() => undo.disposeAsync())

const payloadOf = (doors: readonly HostilePayload['door'][]): fc.Arbitrary<HostilePayload> =>
  fc.record({ door: fc.constantFrom(...doors), value: hostile, other: hostile })

const batchPayload: fc.Arbitrary<HostileBatchPayload> = fc.record({
  as: fc.constantFrom('outcome' as const, 'result' as const, 'retry' as const, 'failed' as const),
  value: hostile,
})

/** JSON that strict readers refuse is refused; a member `__proto__` is refused in requests only. */
function parseStrictly(text: Buffer): unknown {
  try {
    return parseStrictJson(text, 1_000_000)
  } catch (error) {
    if (error instanceof AppError && error.code === 'forbidden-member') return JSON.parse(text.toString()) as unknown
    throw error
  }
}

async function strictJson(url: string): Promise<unknown> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return parseStrictly(Buffer.from(await response.arrayBuffer()))
}

async function post(jobs: Record<string, unknown>[]): Promise<string[]> {
  const answer = await postTo(`${hasty.url}/v1/jobs/batch`, jobs)
  const items = answer.body['items'] as { job: { job_id: string } }[]
  return items.map(({ job }) => job.job_id)
}

const jobOf = async (id: string): Promise<JobView> => (await strictJson(`${hasty.url}/v1/jobs/${id}`)) as JobView

/** Waits for the end of a job. One that `retryLater` delays for hours is cancelled instead. */
async function untilEnded(id: string, about: unknown): Promise<JobView> {
  return vi.waitFor(
    async () => {
      const job = await jobOf(id)
      if (job.phase === 'retrying' && Date.parse(job.due_at ?? '') - Date.parse(job.updated_at) > 1_000) {
        await fetch(`${hasty.url}/v1/jobs/${id}`, { method: 'DELETE' })
      }
      expect(['finished', 'failed', 'cancelled'], JSON.stringify(about)).toContain(job.status)
      return job
    },
    { timeout: 60_000, interval: 100 },
  )
}

/** The text that an error must contain, where the value has one in any case. */
const saidBy = ({ kind, ...spec }: Hostile): string | null =>
  kind === 'error' && 'said' in spec && spec.set.message === undefined ? spec.said : null

test('in process: every job ends, the worker and the jobs beside it live on, and all that is said can be read', async () => {
  const payloads = fc.sample(payloadOf(DOORS), IN_PROCESS)
  const { pid } = hasty.job[0]!
  const callback_url = `http://${receiver.host}/ended`
  const ids = await post(payloads.map((payload, n) => ({ object_id: `h${n}`, type: 'hostile', payload, callback_url })))
  const neighbours = await post(
    Array.from({ length: 40 }, (_, n) => ({ object_id: `n${n}`, type: 'add', payload: { numbers: [n, 1] } })),
  )
  for (const [n, id] of ids.entries()) {
    const payload = payloads[n]!
    const job = await untilEnded(id, payload)
    expect(job.attempts.length, JSON.stringify(payload)).toBeLessThanOrEqual(2)
    expect(job.attempts.map(({ outcome }) => outcome)).not.toContain('crashed')
    const said = payload.door === 'throw' || payload.door === 'reject' ? saidBy(payload.value) : null
    if (said !== null && job.status === 'failed') expect(JSON.stringify(job.error)).toContain(said)
  }
  for (const id of neighbours) expect(await untilEnded(id, 'add')).toMatchObject({ status: 'finished', attempts: [{}] })
  await vi.waitFor(() => expect(receiver.seen.length).toBeGreaterThanOrEqual(IN_PROCESS), { timeout: 30_000 })
  for (const { body } of receiver.seen) parseStrictly(Buffer.from(body))
  for (const path of ['/v1/jobs?type=hostile&limit=100', '/v1/events?limit=1000']) await strictJson(hasty.url + path)
  for (const id of ids.slice(0, 50)) await strictJson(`${hasty.url}/v1/jobs/${id}/events`)
  expect(hasty.job[0]).toMatchObject({ pid, running: true })
})

test('in a batch: the outcome of one is nothing to the others', async () => {
  const payloads = fc.sample(batchPayload, BATCHED)
  const jobs = payloads.flatMap((payload) => [{ payload }, { payload: null }])
  const ids = await post(jobs.map(({ payload }, n) => ({ object_id: `b${n}`, type: 'hostile-batch', payload })))
  for (const [n, id] of ids.entries()) {
    const { payload } = jobs[n]!
    const job = await untilEnded(id, payload)
    expect(job.attempts.length).toBeLessThanOrEqual(2)
    if (payload === null) expect(job).toMatchObject({ status: 'finished', attempts: [{ outcome: 'finished' }] })
  }
})

test('isolated: the same, and what a library sends to the parent is not believed', async () => {
  const { pid } = hasty.job[0]!
  const payloads = fc.sample(payloadOf([...DOORS, 'send', 'send']), ISOLATED)
  await using bus = await openBus(hasty.nats.url)
  const ids: string[] = []
  for (const payload of payloads) {
    const address = { type: 'hostile', priority: 'normal', job_id: newJobId(systemClock.now()) } as const
    const first = createdPublication(address)
    const event = { ...(JSON.parse(first.body) as object), payload, crashes: 2, max_attempts: 2, timeout_ms: 20_000 }
    await bus.publisher.publish({ ...first, body: JSON.stringify(event) }, { deadlineMs: 5_000 })
    ids.push(address.job_id)
  }
  for (const [n, id] of ids.entries()) {
    const job = await untilEnded(id, payloads[n])
    expect(job.attempts.length, JSON.stringify(payloads[n])).toBeLessThanOrEqual(2)
    expect(job.reason, JSON.stringify(payloads[n])).not.toBe('crashed')
    if (payloads[n]?.door === 'send') expect(job).toMatchObject({ status: 'finished', result: 'sent' })
  }
  expect(hasty.job[0]).toMatchObject({ pid, running: true })
})

test('all that was published is what the contract says', async () => {
  await using bus = await openBus(hasty.nats.url)
  const log = await readLog(bus.broker.nc)
  expect(log.length).toBeGreaterThan(3 * IN_PROCESS)
  expect(log.filter(({ event, subject }) => event === null && !/^job:(due|timer)/.test(subject))).toEqual([])
})
