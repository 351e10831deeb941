// The spans that reach a receiver of traces: of calls, of jobs that fail and run again, of workers that die.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { send } from '../support/call.ts'
import { type Hasty, type Mixed, startInProcess, startMixed } from '../support/hasty.ts'
import { readJob, untilJob, untilRunning } from '../support/jobs.ts'
import { workCalls } from '../work/work-calls.ts'
import { type SeenSpan, startReceiver } from './receiver.ts'
import { newTrace } from './trees.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const WITHIN = { timeout: 20_000, interval: 100 }

let receiver: Awaited<ReturnType<typeof startReceiver>>
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver?.[Symbol.asyncDispose]())

async function sendJob(url: string, body: Record<string, unknown>) {
  const client = newTrace()
  const answer = await send(
    'POST',
    `${url}/v1/jobs`,
    { object_id: randomUUID(), ...body },
    { traceparent: client.traceparent },
  )
  expect(answer).toMatchObject({ status: 201 })
  return { client, jobId: String(answer.body['job_id']) }
}

/** The spans of a trace, once there are so many. */
const spansOf = (traceId: string, count: number): Promise<SeenSpan[]> =>
  vi.waitFor(() => {
    const spans = receiver.spans().filter((span) => span.traceId === traceId)
    expect(spans).toHaveLength(count)
    return spans
  }, WITHIN)

const attemptsIn = (spans: SeenSpan[], type: string): SeenSpan[] =>
  spans
    .filter(({ name }) => name === `process ${type}`)
    .toSorted((a, b) => Number(a.attributes['hasty.attempt']) - Number(b.attributes['hasty.attempt']))

describe('in one trace', () => {
  let hasty: Hasty
  beforeAll(async () => {
    hasty = await startInProcess({ env: { HANDLERS_DIR } })
  })
  afterAll(() => hasty?.stop())

  test('the call, the sending, the wait and each attempt of a job are under each other', async () => {
    const backoff = { kind: 'fixed', base_ms: 0, jitter: 0 }
    const job = { type: 'moody', payload: { bad_attempts: 1, ms: 20 }, attempts: 2, backoff, tags: ['traced'] }
    const { client, jobId } = await sendJob(hasty.url, job)
    await untilJob(hasty, jobId, { status: 'finished' })
    const spans = await spansOf(client.traceId, 5)
    const [call] = spans.filter(({ name }) => name === 'POST /v1/jobs')
    expect(call).toMatchObject({ kind: 'server', service: 'hasty-api', parentId: client.spanId, isError: false })
    expect(call?.attributes).toMatchObject({ 'http.response.status_code': 201 })
    const [sent] = spans.filter(({ name }) => name === 'send moody')
    expect(sent).toMatchObject({ kind: 'producer', parentId: call?.spanId })
    expect(sent?.attributes).toMatchObject({ 'messaging.message.id': jobId, 'messaging.system': 'hasty' })
    const [wait] = spans.filter(({ name }) => name === 'wait moody')
    expect(wait).toMatchObject({ kind: 'internal', service: 'hasty-job', parentId: sent?.spanId })
    const [first, second] = attemptsIn(spans, 'moody')
    expect(first).toMatchObject({ kind: 'consumer', parentId: sent?.spanId, isError: true })
    expect(first?.attributes).toMatchObject({ 'error.type': 'Error', 'hasty.outcome': 'retrying' })
    expect(first?.ms).toBeGreaterThanOrEqual(19)
    expect(second).toMatchObject({ parentId: sent?.spanId, isError: false })
    expect(second?.attributes).toMatchObject({ 'hasty.attempt': 2, 'hasty.outcome': 'finished' })
    expect(JSON.stringify(spans)).not.toContain('bad_attempts')
    expect(await readJob(hasty, jobId)).toMatchObject({ trace_id: client.traceId })
  })

  test('a later round has a trace of its own, which is linked', async () => {
    const { client, jobId } = await sendJob(hasty.url, { type: 'moody', payload: { bad_attempts: 1 }, attempts: 1 })
    await untilJob(hasty, jobId, { status: 'failed' })
    const [sent] = (await spansOf(client.traceId, 4)).filter(({ name }) => name === 'send moody')
    expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/retry`, {})).toMatchObject({ status: 202 })
    await untilJob(hasty, jobId, { status: 'finished' })
    const again = await vi.waitFor(() => {
      const [span] = receiver
        .spans()
        .filter(({ attributes }) => attributes['messaging.message.id'] === jobId && attributes['hasty.attempt'] === 2)
      if (span === undefined) throw new Error('the second attempt has not been told of')
      return span
    }, WITHIN)
    expect(again.traceId).not.toBe(client.traceId)
    expect(again.links).toHaveLength(1)
    expect(sent).toBeDefined()
  })

  test('a refused call is told, and operators’ calls are not', async () => {
    const client = newTrace()
    const headers = { traceparent: client.traceparent }
    await send('POST', `${hasty.url}/v1/jobs`, { object_id: 'o', type: 'no-such-type' }, headers)
    await send('GET', `${hasty.url}/readyz`, undefined, headers)
    const spans = await spansOf(client.traceId, 2)
    const [sent] = spans.filter(({ name }) => name === 'send no-such-type')
    expect(sent).toMatchObject({ isError: true, attributes: { 'error.type': 'unknown-type' } })
    const [call] = spans.filter(({ name }) => name === 'POST /v1/jobs')
    // The caller's mistake is no fault of the service.
    expect(call).toMatchObject({ isError: false, attributes: { 'http.response.status_code': 400 } })
  })

  test('a worker over HTTP goes on with the trace', async () => {
    const type = `t-${randomUUID()}`
    expect(await send('PUT', `${hasty.url}/v1/types/${type}`, { runner: 'http' })).toMatchObject({ status: 201 })
    const { client } = await sendJob(hasty.url, { type })
    const calls = workCalls(hasty.url)
    const job = await calls.claimOne(type)
    const [, traceId, spanId] = (job.traceparent ?? '').split('-')
    expect(traceId).toBe(client.traceId)
    expect(await calls.end(job, 'complete')).toMatchObject({ status: 200 })
    const [attempt] = attemptsIn(await spansOf(client.traceId, 4), type)
    expect(attempt).toMatchObject({ spanId, isError: false, attributes: { 'hasty.worker_id': 'w1' } })
  })
})

test('an attempt whose worker was killed is told of by the next one', async () => {
  await using hasty: Mixed<'job'> = await startMixed(['job'], { jobs: 2, jobEnv: { HANDLERS_DIR, LEASE_MS: '5000' } })
  const { client, jobId } = await sendJob(hasty.url, { type: 'sleep', payload: { ms: 4_000 } })
  const running = await untilRunning(hasty, jobId)
  const victim = hasty.job.find(({ pid }) => running.attempts[0]?.worker_id?.includes(`-${pid}-`))
  victim?.kill('SIGKILL')
  await untilJob(hasty, jobId, { status: 'finished' })
  const [lost, next] = await vi.waitFor(() => {
    const attempts = attemptsIn(
      receiver.spans().filter(({ traceId }) => traceId === client.traceId),
      'sleep',
    )
    expect(attempts).toHaveLength(2)
    return attempts
  }, WITHIN)
  expect(lost).toMatchObject({ isError: true, attributes: { 'error.type': 'crashed', 'hasty.attempt': 1 } })
  expect(next).toMatchObject({ isError: false, parentId: lost?.parentId, attributes: { 'hasty.attempt': 2 } })
})
