import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { JobAccepted, JobView } from '#shared/contracts/http/jobs.ts'
import type { Problem } from '#shared/contracts/http/problems.ts'
import { type Processes, startHasty } from './support/hasty.ts'
import { startService } from './support/replica.ts'

/** An answer is the job's or a problem; each test says which it expects. */
type Answer<T> = Omit<T, 'status'> & Omit<Problem, 'status'> & { status: string | number }

const SOON = { timeout: 10_000, interval: 50 }

let hasty: Processes

async function post(body: unknown, path = '/') {
  const response = await fetch(hasty.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer<JobAccepted> }
}

async function get(jobId: string) {
  const response = await fetch(`${hasty.url}/${jobId}`)
  return { status: response.status, body: (await response.json()) as Answer<JobView> }
}

const untilEnded = (jobId: string): Promise<Answer<JobView>> =>
  vi.waitFor(async () => {
    const { body } = await get(jobId)
    expect(body.finished_at).toEqual(expect.any(String))
    return body
  }, SOON)

describe('a job, through nginx, two apis and two workers', () => {
  beforeAll(async () => {
    hasty = await startHasty({
      apis: 2,
      jobs: 2,
      nginx: true,
      env: { SLEEP_MIN_MS: '300', SLEEP_MAX_MS: '600', JOB_TIMEOUT_MS: '2000' },
    })
  })
  afterAll(() => hasty.stop())

  test('is accepted, refuses its object_id for 5 minutes, shows its status and finishes within the time', async () => {
    const created = await post({ object_id: 'order-1' })
    expect(created).toMatchObject({ status: 201, body: { object_id: 'order-1', type: 'sleep', status: 'processing' } })
    expect(created.headers.get('location')).toBe(`/${created.body.job_id}`)

    const again = await post({ object_id: 'order-1' })
    expect(again).toMatchObject({ status: 400, body: { code: 'cooldown', job_id: created.body.job_id } })
    expect(again.headers.get('content-type')).toContain('application/problem+json')
    expect(again.body.detail).toContain('5 minutes')
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(290)

    expect(await get('no-such-job')).toMatchObject({ status: 404, body: { code: 'job-not-found' } })
    const neverMade = `${created.body.job_id.slice(0, -1)}${created.body.job_id.endsWith('a') ? 'b' : 'a'}`
    expect(await get(neverMade)).toMatchObject({ status: 404, body: { code: 'job-not-found' } })

    const { job_id } = created.body
    const status = await get(job_id)
    expect(status).toMatchObject({ status: 200, body: { job_id, object_id: 'order-1' } })
    expect(['processing', 'finished']).toContain(status.body['status'])

    const ended = await untilEnded(job_id)
    expect(ended).toMatchObject({ status: 'finished', error: null, reason: null, attempts: [{ outcome: 'finished' }] })
    const { sleep_time_used } = ended.result as { sleep_time_used: number }
    expect(sleep_time_used).toBeGreaterThanOrEqual(300)
    expect(sleep_time_used).toBeLessThanOrEqual(600)
    const startedAt = Date.parse(ended.started_at ?? '')
    expect(Date.parse(ended.finished_at ?? '') - startedAt).toBeGreaterThanOrEqual(sleep_time_used - 5)

    const afterItsEnd = await post({ object_id: 'order-1' })
    expect(afterItsEnd).toMatchObject({ status: 400, body: { code: 'cooldown', job_id } })
  })

  test('that takes longer than its timeout is cancelled, with the reason', async () => {
    const { body } = await post({ object_id: 'slow', payload: { ms: 60_000 }, timeout_ms: 400 })
    const ended = await untilEnded(body.job_id)
    expect(ended).toMatchObject({
      status: 'cancelled',
      reason: 'timeout',
      result: null,
      attempts: [{ attempt: 1, outcome: 'cancelled' }],
    })
  })

  test('is the same job under /v1, where a repeated object_id is a conflict', async () => {
    const created = await post({ object_id: 'order-v1', type: 'sleep' }, '/v1/jobs')
    expect(created.status).toBe(201)
    expect(await post({ object_id: 'order-v1', type: 'sleep' }, '/v1/jobs')).toMatchObject({
      status: 409,
      body: { code: 'cooldown' },
    })
    expect(await post({ object_id: 'order-v1' })).toMatchObject({ status: 400, body: { code: 'cooldown' } })
    expect((await untilEnded(created.body.job_id)).status).toBe('finished')
  })

  test('is seen by every replica right after its 201', async () => {
    const { body } = await post({ object_id: 'seen-by-all' })
    for (const { url } of hasty.api) expect((await fetch(`${url}/${body.job_id}`)).status).toBe(200)
  })

  test('made by ten requests at once with one object_id is made once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post({ object_id: 'raced' })))
    const accepted = answers.filter(({ status }) => status === 201)
    expect(accepted).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(9)
    expect(new Set(answers.map(({ body }) => body.job_id))).toEqual(new Set([accepted[0]?.body.job_id]))
  })
})

/** Handlers as a user would write them: plain files that know nothing of this repository. */
const handlerFiles = {
  'flaky.ts': `
    export const handler = {
      type: 'flaky',
      policy: { max_attempts: 5, backoff: { kind: 'fixed', base_ms: 100, max_ms: 100, jitter: 0 } },
      schema: { type: 'object', properties: { failures: { type: 'integer' } }, required: ['failures'] },
      async run(payload: { failures: number }, context: { attempt: number }) {
        if (context.attempt <= payload.failures) throw new TypeError('failure ' + context.attempt)
        return { succeeded_at: context.attempt }
      },
    }`,
  'doomed.ts': `
    class PermanentError extends Error { override name = 'PermanentError' }
    export const handler = {
      type: 'doomed',
      run(payload: { how: string }, context: { fail(message: string): never }) {
        if (payload.how === 'fail') context.fail('by the context')
        throw new PermanentError('by its class')
      },
    }`,
  'huge.ts': `
    export const handler = { type: 'huge', run: () => 'x'.repeat(600 * 1024) }`,
  'later.ts': `
    export const handler = {
      type: 'later',
      policy: { backoff: { kind: 'fixed', base_ms: 60_000, max_ms: 60_000, jitter: 0 } },
      run(_payload: unknown, context: { attempt: number; retryLater(ms: number): never }) {
        if (context.attempt === 1) context.retryLater(200)
        return context.attempt
      },
    }`,
}

async function writeHandlers(dir: string, files: Record<string, string>): Promise<string> {
  await mkdir(dir, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}

describe("a user's handlers", () => {
  beforeAll(async () => {
    const dir = await writeHandlers(await mkdtemp(join(tmpdir(), 'hasty-handlers-')), handlerFiles)
    hasty = await startHasty({ apis: 1, jobs: 1, env: { HANDLERS_DIR: dir, JOB_TIMEOUT_MS: '5000' } })
  })
  afterAll(() => hasty.stop())

  test('that throw are tried again, and every attempt stays in the history', async () => {
    const { body } = await post({ object_id: 'a', type: 'flaky', payload: { failures: 2 } })
    const ended = await untilEnded(body.job_id)
    expect(ended).toMatchObject({ status: 'finished', result: { succeeded_at: 3 }, error: null })
    expect(ended.attempts.map(({ attempt, outcome, error }) => ({ attempt, outcome, error }))).toEqual([
      { attempt: 1, outcome: 'retrying', error: { name: 'TypeError', message: 'failure 1' } },
      { attempt: 2, outcome: 'retrying', error: { name: 'TypeError', message: 'failure 2' } },
      { attempt: 3, outcome: 'finished', error: null },
    ])
  })

  test('that throw at every attempt end as failed, with the last error', async () => {
    const { body } = await post({ object_id: 'b', type: 'flaky', payload: { failures: 99 } })
    const ended = await untilEnded(body.job_id)
    expect(ended).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', error: { message: 'failure 5' } })
    expect(ended.attempts).toHaveLength(5)
  })

  test.each(['class', 'fail'])('that fail for good (%s) are not tried again', async (how) => {
    const { body } = await post({ object_id: `c-${how}`, type: 'doomed', payload: { how } })
    const ended = await untilEnded(body.job_id)
    expect(ended).toMatchObject({
      status: 'failed',
      reason: 'permanent',
      attempts: [{ attempt: 1, outcome: 'failed' }],
    })
    expect(ended.error?.name).toBe('PermanentError')
  })

  test('whose result is too large end as failed, and say so', async () => {
    const { body } = await post({ object_id: 'd', type: 'huge' })
    const ended = await untilEnded(body.job_id)
    expect(ended).toMatchObject({ status: 'failed', reason: 'result_too_large', result: null })
    expect(ended.error?.message).toContain('614402 bytes')
  })

  test('may ask for another attempt at a time of their own', async () => {
    const { body } = await post({ object_id: 'e', type: 'later' })
    expect(await untilEnded(body.job_id)).toMatchObject({ status: 'finished', result: 2 })
  })

  test('refuse a payload that does not fit before the job is made', async () => {
    const { status, body } = await post({ object_id: 'f', type: 'flaky', payload: { failures: 'many' } })
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid-payload' })
    const corrected = await post({ object_id: 'f', type: 'flaky', payload: { failures: 0 } })
    expect(corrected.status).toBe(201)
  })

  test('that cannot be loaded keep the service from starting, which names each file and ends with 2', async () => {
    const dir = await writeHandlers(join(hasty.dir, 'broken-handlers'), {
      'good.ts': 'export const handler = { type: "good", run: () => 1 }',
      'syntax.ts': 'export const handler = {',
      'nothing.ts': 'export const hander = {}',
      'default.ts': 'export default { type: "default", run: () => 1 }',
      'lost.ts': 'export const size = 1',
      'no-run.ts': 'export const handler = { type: "Not A Type" }',
      'typos.ts': 'export const handler = { type: "typos", policy: { max_attempt: 7 }, schemas: {}, run: () => 1 }',
      'twice.ts': 'export const handler = { type: "good", run: () => 2 }',
    })
    const logFile = join(hasty.dir, 'broken.log')
    const worker = await startService(
      'job/main.ts',
      { NATS_URL: hasty.nats.url, HANDLERS_DIR: dir, PORT: '0' },
      logFile,
    )
    expect(await worker.exited).toEqual({ code: 2, signal: null })
    const output = await readFile(logFile, 'utf8')
    expect(output).toContain('These handlers cannot be loaded:')
    expect(output).toMatch(/syntax\.ts:1:25: /)
    expect(output).toContain('nothing.ts: must export a const named `handler`, and exports `hander`')
    expect(output).toContain('default.ts: must export a const named `handler`, not a default')
    expect(output).toContain('lost.ts: must export a const named `handler`; a file that is no job type has a name that')
    expect(output).toMatch(/no-run\.ts: .*run: must be a function/)
    expect(output).toMatch(
      /typos\.ts: policy: has no member "max_attempt", did you mean max_attempts\?; handler: .*"schemas".*schema\?/,
    )
    expect(output).toContain('twice.ts: the type good already exists')
    expect(output).not.toContain('good.ts: ')
  })
})
