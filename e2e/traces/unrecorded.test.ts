// One trace in ten, of which none is drawn here: what nobody records is neither told of nor passed on.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'
import { readJob, untilJob } from '../support/jobs.ts'
import { startReceiver, WEBHOOK_SECRET } from './receiver.ts'
import { newTrace, type Receiver, sent, untilTree } from './trees.ts'

const undo = new AsyncDisposableStack()
let receiver: Receiver
let target: HttpTarget
let hasty: Hasty
beforeAll(async () => {
  receiver = undo.use(await startReceiver())
  target = undo.use(await startHttpTarget((_, response) => response.writeHead(200).end()))
  vi.stubEnv('OTEL_TRACES_SAMPLER', 'parentbased_traceidratio')
  vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', '0')
  const env = { OUTBOUND_TRUSTED_HOSTS: target.host }
  hasty = undo.use(await startInProcess({ env, jobEnv: { WEBHOOK_SECRET }, workflows: 1 }))
})
afterAll(() => undo.disposeAsync())

/** Sends a job that makes a call, and has a webhook. @returns what the target of both was told */
async function callOut(headers: Record<string, string>) {
  const name = randomUUID()
  const urlOf = (what: string) => `http://${target.host}/${what}/${name}`
  const job = { object_id: name, type: 'http', payload: { url: urlOf('call') }, callback_url: urlOf('hook') }
  const { status, body } = await send('POST', `${hasty.url}/v1/jobs`, job, headers)
  expect(status).toBe(201)
  const jobId = String(body['job_id'])
  await untilJob(hasty, jobId, { status: 'finished' })
  const told = await vi.waitFor(
    () => {
      const seen = target.seen.filter(({ path }) => path.endsWith(name))
      expect(seen.map(({ path }) => path.split('/')[1])).toEqual(['call', 'hook'])
      return seen.map((request) => request.headers['traceparent'])
    },
    { timeout: 20_000 },
  )
  return { jobId, told }
}

test('a job of a trace that is not recorded carries none; one whose caller records is recorded whole', async () => {
  const silent = await callOut({})
  expect(silent.told).toEqual([undefined, undefined])
  expect(await readJob(hasty, silent.jobId)).not.toHaveProperty('trace_id')

  const client = newTrace()
  const told = await callOut({ traceparent: client.traceparent })
  const inAttempt = { 'GET 127.0.0.1': {}, ...sent('callback', { 'POST 127.0.0.1': {} }) }
  await untilTree(receiver, client, { 'POST /v1/jobs': sent('http', inAttempt) })
  for (const each of told.told) expect(each).toMatch(new RegExp(`^00-${client.traceId}-[0-9a-f]{16}-01$`))
  // Spans of the first job would have come by now: all are sent in the order in which they end.
  expect(new Set(receiver.spans().map(({ traceId }) => traceId))).toEqual(new Set([client.traceId]))
})

test('the trace of a caller who does not record it is passed on', async () => {
  const { traceId, traceparent } = newTrace()
  const { jobId, told } = await callOut({ traceparent: traceparent.replace(/01$/, '00') })
  for (const each of told) expect(each).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`))
  expect(await readJob(hasty, jobId)).toMatchObject({ trace_id: traceId })
  expect(receiver.spans().filter((span) => span.traceId === traceId)).toEqual([])
})

test('a request of a trace that is not recorded carries none, and neither do its jobs', async () => {
  const steps = [{ name: 'one', jobs: [{ name: 'a', type: 'add', payload: { numbers: [1, 2] } }] }]
  const { status, body } = await send('POST', `${hasty.url}/v1/requests`, { steps })
  expect(status).toBe(201)
  const ended = await vi.waitFor(
    async () => {
      const answer = await getFrom(`${hasty.url}/v1/requests/${String(body['request_id'])}`)
      expect(answer.body).toMatchObject({ status: 'completed' })
      return answer.body as { steps: { jobs: { job_id: string }[] }[] }
    },
    { timeout: 20_000 },
  )
  expect(ended).not.toHaveProperty('trace_id')
  const [jobId] = ended.steps.flatMap(({ jobs }) => jobs.map(({ job_id }) => job_id))
  expect(await readJob(hasty, jobId ?? '')).not.toHaveProperty('trace_id')
  expect(receiver.spans().filter(({ name }) => name.includes('add'))).toEqual([])
})
