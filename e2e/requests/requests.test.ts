import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { REQUESTS_STREAM, requestSubject } from '#shared/contracts/log/subjects.ts'
import { newJobId } from '#shared/ids/ids.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { untilJob } from '../support/jobs.ts'
import { connectTest } from '../support/read-log.ts'
import { make, napping, post, requestsAt, run, SOON, step, untilLike, view } from './request-calls.ts'

let hasty: Hasty
/** Addresses of two replicas. */
let here: string
let there: string

beforeAll(async () => {
  hasty = await startInProcess({
    jobs: 1,
    workflows: 2,
    // As with a broker that syncs every write.
    env: { NATS_GROUP_COMMIT: 'true' },
    jobEnv: { JOB_SLOTS: '20', OUTBOUND_TRUSTED_HOSTS: '127.0.0.1:9' },
    workflowEnv: { TRUST_PROXY: 'true' },
  })
  here = hasty.workflow[0]?.url ?? ''
  there = hasty.workflow[1]?.url ?? ''
})
afterAll(() => hasty.stop())

const failing = (name: string) => ({ name, type: 'multiply', payload: { numbers: [1e200, 1e200] } })
const statusesOf = ({ steps }: RequestView) => steps.map(({ jobs }) => jobs.map(({ status }) => status))

test('a request is accepted, shown with everything that will be, and goes through its steps', async () => {
  const body = {
    name: 'order 5',
    params: { a: 1 },
    steps: [step('first', napping(300, 'a', 'b')), step('second', napping(1, 'c'))],
  }
  const { status, headers, body: made } = await postTo(requestsAt(here), body)
  expect(status).toBe(201)
  const id = made['request_id'] as string
  expect(headers.get('location')).toBe(`/v1/requests/${id}`)
  expect(made).toMatchObject({
    name: 'order 5',
    definition: null,
    status: 'inprogress',
    step: 'first',
    params: { a: 1 },
    steps: [
      { name: 'first', status: 'inprogress', jobs: [{ name: 'a', status: 'inprogress', attempts: [] }, { name: 'b' }] },
      { name: 'second', jobs: [{ name: 'c' }] },
    ],
  })
  const running = await untilLike(there, id, {
    status: 'inprogress',
    steps: [{ jobs: [{ attempts: [{ attempt: 1, status: 'inprogress', ended_at: null }] }, {}] }, {}],
  })
  expect(statusesOf(running)).toEqual([['inprogress', 'inprogress'], ['new']])
  const ended = await untilLike(there, id, { status: 'completed', step: null })
  expect(statusesOf(ended)).toEqual([['completed', 'completed'], ['completed']])
  expect(ended.events.map(({ event }) => event)).toEqual([
    'request:created',
    ...['first', 'second'].flatMap(() => ['request:step-started', 'request:step-ended']),
    'request:finished',
  ])
  const [first, second] = ended.steps
  expect(Date.parse(second?.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.ended_at ?? ''))
  const job = await getFrom(`${hasty.url}/v1/jobs/${first?.jobs[0]?.job_id}`)
  expect(job.body).toMatchObject({ status: 'finished', type: 'sleep' })
})

test('the ETag is that of what is shown, also while only a job of it changes', async () => {
  const id = await make(here, { steps: [step('one', [{ name: 'a', type: 'http', payload: BROKEN, ...SLOWLY }])] })
  await untilLike(here, id, { steps: [{ jobs: [{ status: 'retry' }] }] })
  const first = await getFrom(requestsAt(here, id))
  const etag = first.headers.get('etag') ?? ''
  expect((await getFrom(requestsAt(there, id), { 'if-none-match': etag })).status).toBe(304)
  await untilLike(here, id, { steps: [{ jobs: [{ attempts: [{ status: 'retry' }, {}] }] }] })
  expect((await getFrom(requestsAt(there, id), { 'if-none-match': etag })).status).toBe(200)
  expect(await post(here, id, '/cancel')).toMatchObject({ status: 200 })
})
/** An address where nobody listens: the call is retried. */
const BROKEN = { url: 'http://127.0.0.1:9/' }
const SLOWLY = { attempts: 10, backoff: { kind: 'fixed', base_ms: 700, jitter: 0 } }

test('of many with one Idempotency-Key there is one request, and another body is refused', async () => {
  const body = { steps: [step('one', napping(1, 'a'))] }
  const key = { 'idempotency-key': 'one' }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => postTo(requestsAt(n % 2 === 0 ? here : there), body, key)),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  expect(new Set(answers.map((answer) => answer.body['request_id'])).size).toBe(1)
  expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
  const other = await postTo(requestsAt(here), { ...body, name: 'other' }, key)
  expect(other).toMatchObject({ status: 422, body: { code: 'key-reused' } })
  // The keys of jobs are in another space.
  const job = await postTo(hasty.url, { object_id: 'keyed', type: 'sleep', payload: { ms: 1 } }, key)
  expect(job.status).toBe(201)
})

test('what the proxy sends again is one request', async () => {
  const body = { steps: [step('one', napping(1, 'a'))] }
  const again = { 'hasty-request-id': 'sent-once-by-a-client' }
  const first = await postTo(requestsAt(here), body, again)
  const second = await postTo(requestsAt(there), body, again)
  expect(second).toMatchObject({ status: 201, body: { request_id: first.body['request_id'] } })
  expect(second.headers.get('idempotency-replayed')).toBeNull()
})

test('what the proxy sends again of a cancel, a retry or a signal is answered as the first time', async () => {
  const id = await make(here, { steps: [{ name: 'wait', signal: 'go' }, step('one', [failing('a')])] })
  const ask = async (url: string, verb: string) =>
    (await postTo(requestsAt(url, id, verb), {}, { 'hasty-request-id': `${id}${verb.replaceAll('/', '-')}` })).status
  expect(await ask(here, '/signals/go')).toBe(200)
  await untilLike(here, id, { status: 'failed', round: 1 })
  expect(await ask(there, '/signals/go')).toBe(200)
  expect(await post(there, id, '/signals/go')).toMatchObject({ status: 409 })
  expect(await ask(here, '/retry')).toBe(202)
  await untilLike(here, id, { status: 'failed', round: 2 })
  expect(await ask(there, '/retry')).toBe(202)
  const waiting = await make(here, { steps: [{ name: 'wait', signal: 'go' }] })
  const cancelled = { 'hasty-request-id': 'cancelled-once' }
  for (const url of [here, there]) {
    const answer = await postTo(requestsAt(url, waiting, '/cancel'), {}, cancelled)
    expect(answer).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  }
  expect(await post(there, waiting, '/cancel')).toMatchObject({ status: 409 })
  expect(await view(here, id)).toMatchObject({ round: 2 })
})

test('a repeat under an Idempotency-Key is the same request, also where its plan would be refused by now', async () => {
  expect((await send('PUT', `${here}/v1/definitions/once`, { steps: [step('one', napping(1, 'a'))] })).status).toBe(201)
  const key = { 'idempotency-key': 'by-definition' }
  const first = await postTo(requestsAt(here), { definition: 'once' }, key)
  expect((await send('DELETE', `${here}/v1/definitions/once`)).status).toBe(204)
  expect(await postTo(requestsAt(there), { definition: 'once' }, key)).toMatchObject({
    status: 201,
    body: { request_id: first.body['request_id'] },
  })
  expect(await postTo(requestsAt(there), { definition: 'once' })).toMatchObject({ status: 400 })
})

test('a request that has left the log is still shown, kept under its key, and can be retried', async () => {
  const body = { steps: [step('one', [failing('a')])] }
  const key = { 'idempotency-key': 'left' }
  const id = (await postTo(requestsAt(here), body, key)).body['request_id'] as string
  const failed = await untilLike(here, id, { status: 'failed' })
  await vi.waitFor(async () => {
    const { body: list } = await getFrom(`${requestsAt(here)}?status=failed`)
    expect(JSON.stringify(list)).toContain(id)
  }, SOON)
  const nc = await connectTest(hasty.nats.url)
  await (await jetstreamManager(nc)).streams.purge(REQUESTS_STREAM, { filter: requestSubject(id) })
  await nc.close()
  expect(await untilLike(there, id, { status: 'failed' })).toEqual(failed)
  const repeated = await postTo(requestsAt(there), body, key)
  expect(repeated).toMatchObject({ status: 201, body: { request_id: id, status: 'failed' } })
  expect(await post(there, id, '/cancel')).toMatchObject({ status: 409 })
  expect(await post(there, id, '/retry')).toMatchObject({ status: 202, body: { round: 2 } })
  await untilLike(here, id, { status: 'failed', round: 2 })
})

test('a request that is cancelled cancels its jobs, starts nothing more, and says why', async () => {
  const id = await make(here, { steps: [step('one', napping(60_000, 'a')), step('two', napping(1, 'b'))] })
  const running = await untilLike(here, id, { steps: [{ jobs: [{ attempts: [{ status: 'inprogress' }] }] }, {}] })
  const cancelled = await post(there, id, '/cancel', { reason: 'enough' })
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled', error: { message: 'enough' } } })
  const after = await untilLike(here, id, { steps: [{ jobs: [{ status: 'cancelled' }] }, { status: 'new' }] })
  expect(after.steps[1]?.jobs[0]).toMatchObject({ status: 'new', job_id: null })
  const jobId = running.steps[0]?.jobs[0]?.job_id ?? ''
  // The request learns of the end from the log, like the api: either may be first.
  await untilJob(hasty, jobId, { status: 'cancelled', reason: 'requested' })
  const alone = await send('POST', `${hasty.url}/v1/jobs/${jobId}/retry`)
  expect(alone).toMatchObject({ status: 409, body: { code: 'wrong-state' } })
  const again = await send('DELETE', requestsAt(here, id))
  expect(again).toMatchObject({
    status: 409,
    body: { code: 'wrong-state', request: { request_id: id, status: 'cancelled' } },
  })
})

test('DELETE cancels too', async () => {
  const id = await make(here, { steps: [step('one', napping(60_000, 'a'))] })
  expect(await send('DELETE', requestsAt(there, id))).toMatchObject({ status: 200, body: { status: 'cancelled' } })
})

test('a failed request goes on where it failed, with what is done kept', async () => {
  const steps = [
    step('one', napping(1, 'a')),
    step('two', [...napping(1, 'b'), failing('c')]),
    step('three', [failing('d')]),
  ]
  const failed = await run(here, { steps })
  expect(failed).toMatchObject({ status: 'failed', step: 'two', round: 1 })
  expect(statusesOf(failed)).toEqual([['completed'], ['completed', 'failure'], ['new']])
  expect(await post(there, failed.request_id, '/retry')).toMatchObject({ status: 202, body: { round: 2 } })
  const again = await untilLike(here, failed.request_id, { status: 'failed', round: 2 })
  const [done, retried] = again.steps[1]?.jobs ?? []
  expect(done).toEqual(failed.steps[1]?.jobs[0])
  expect(retried?.attempts).toHaveLength(2)
  expect(retried?.job_id).not.toBe(failed.steps[1]?.jobs[1]?.job_id)
  expect(await post(here, failed.request_id, '/signals/go')).toMatchObject({
    status: 400,
    body: { code: 'invalid-request', detail: expect.stringContaining('not a signal') as string },
  })
})

test('a request that grows too large fails with all that ended, leaves the log, and says why it is not retried', async () => {
  // Each job that waits for another one keeps the extras with which it begins.
  const after = Array.from({ length: 70 }, (_, n) => ({ name: `b${n}`, type: 'sleep', needs: ['a'] }))
  const steps = [step('one', [...napping(1, 'a'), ...after])]
  const id = await make(here, { steps, extras: { big: 'x'.repeat(60_000) } })
  const failed = await untilLike(there, id, { status: 'failed', error: { code: 'request-too-large' } })
  expect(statusesOf(failed)).toEqual([['completed', ...after.map(() => 'new')]])
  const nc = await connectTest(hasty.nats.url)
  const manager = await jetstreamManager(nc)
  await vi.waitFor(async () => {
    const last = await manager.streams.getMessage(REQUESTS_STREAM, { last_by_subj: requestSubject(id) })
    expect(last?.data).toHaveLength(0)
  }, SOON)
  await nc.close()
  expect(await post(here, id, '/retry')).toMatchObject({
    status: 409,
    body: { code: 'wrong-state', detail: expect.stringContaining('message limit') as string },
  })
})

test('a request that runs or is done cannot be retried', async () => {
  const id = await make(here, { steps: [{ name: 'wait', signal: 'go' }] })
  await untilLike(here, id, { status: 'inprogress' })
  const refused = await post(here, id, '/retry')
  expect(refused).toMatchObject({ status: 409, body: { code: 'wrong-state', request: { status: 'inprogress' } } })
  await post(here, id, '/signals/go')
  await untilLike(here, id, { status: 'completed' })
  expect(await post(there, id, '/retry')).toMatchObject({ status: 409, body: { request: { status: 'completed' } } })
  expect(await post(there, id, '/cancel')).toMatchObject({ status: 409, body: { request: { status: 'completed' } } })
})

test('a signal lets a request go on, counts once, and may bring extras', async () => {
  const steps = [
    { name: 'wait', signal: 'approved' },
    { name: 'hold', signal: 'never' },
  ]
  const id = await make(here, { steps, extras: { a: 1 } })
  const given = await post(there, id, '/signals/approved', { extras: { by: 'ann', a: null } })
  expect(given).toMatchObject({ status: 200, body: { extras: { by: 'ann' } } })
  await untilLike(here, id, { step: 'hold', steps: [{ status: 'completed' }, { status: 'inprogress' }] })
  const again = await post(here, id, '/signals/approved', { extras: { by: 'bob' } })
  expect(again).toMatchObject({ status: 200, body: { extras: { by: 'ann' } } })
  expect(await post(here, id, '/signals/no%20name')).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
  const large = await post(here, id, '/signals/never', { extras: { text: 'x'.repeat(70_000) } })
  expect(large).toMatchObject({ status: 400, body: { code: 'invalid-plan', errors: [{ pointer: '/extras' }] } })
  await post(here, id, '/cancel')
})

test('requests are listed newest first, by status and page by page', async () => {
  const signal = [{ name: 'wait', signal: 'go' }]
  const ids: string[] = []
  // Through one replica: the replicas' views of the broker's time may differ by some milliseconds.
  for (let n = 0; n < 5; n++) ids.unshift(await make(here, { name: `l${n}`, steps: signal }))
  const listed = async (query: string) => {
    const { status, headers, body } = await getFrom(`${requestsAt(here)}?${query}`)
    expect(status).toBe(200)
    return { headers, items: body['items'] as Record<string, unknown>[], next: body['next_cursor'] as string | null }
  }
  await vi.waitFor(async () => {
    const { items } = await listed('status=inprogress')
    expect(items.slice(0, 5).map(({ request_id: id }) => id)).toEqual(ids)
  }, SOON)
  const first = await listed('status=inprogress,queuing&limit=2')
  expect(first.items[0]).toMatchObject({ request_id: ids[0], name: 'l4', step: 'wait', status: 'inprogress' })
  expect(first.items[0]).not.toHaveProperty('steps')
  expect(first.headers.get('link')).toContain('rel="next"')
  const second = await listed(`status=queuing&status=inprogress&limit=2&cursor=${first.next}`)
  expect(second.items.map(({ request_id: id }) => id)).toEqual(ids.slice(2, 4))
  for (const query of [`status=failed&cursor=${first.next}`, 'limit=0', 'status=running'])
    expect(await getFrom(`${requestsAt(here)}?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
})

test('what is no request is not found, in every way', async () => {
  for (const id of [newJobId(Date.now()), 'x', '*', '%3E']) {
    for (const [method, verb] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['POST', '/retry'],
      ['POST', '/signals/go'],
    ] as const) {
      const answer = await send(method, requestsAt(here, id, verb))
      expect(answer, `${method} ${id}${verb}`).toMatchObject({ status: 404, body: { code: 'request-not-found' } })
    }
  }
})

test.each<[string, Record<string, unknown>, string]>([
  ['no plan at all', {}, '/steps'],
  ['no steps', { steps: [] }, '/steps'],
  ['an empty step', { steps: [{ name: 'a' }] }, '/steps/0'],
  ['an unknown type', { steps: [step('a', [{ name: 'a', type: 'nothing' }])] }, '/steps/0/jobs/0/type'],
  ['a type of ours alone', { steps: [step('a', [{ name: 'a', type: 'callback' }])] }, '/steps/0/jobs/0/type'],
  ['an unknown service', { steps: [step('a', [{ name: 'a', service: 'x' }])] }, '/steps/0/jobs/0/service'],
  [
    'a payload that does not fit',
    { steps: [step('a', [{ name: 'a', type: 'add', payload: { numbers: [] } }])] },
    '/steps/0/jobs/0/payload/numbers',
  ],
  [
    'a cycle',
    {
      steps: [
        step('a', [
          { name: 'a', type: 'sleep', needs: ['b'] },
          { name: 'b', type: 'sleep', needs: ['a'] },
        ]),
      ],
    },
    '/steps/0/jobs/0/needs',
  ],
  [
    '10,000 jobs',
    {
      steps: [
        step(
          'a',
          Array.from({ length: 10_000 }, (_, n) => ({ name: `j${n}`, type: 'sleep' })),
        ),
      ],
    },
    '/steps',
  ],
  ['an unknown definition', { definition: 'nothing' }, '/definition'],
  ['a definition and steps', { definition: 'a', steps: [step('a', napping(1, 'a'))] }, '/steps'],
  ['many params', { params: { text: 'x'.repeat(70_000) }, steps: [step('a', napping(1, 'a'))] }, '/params'],
])('%s is refused with a pointer', async (_, body, pointer) => {
  const answer = await postTo(requestsAt(here), body)
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-plan', errors: [{ pointer }, ...rest(answer)] } })
})
const rest = ({ body }: { body: Record<string, unknown> }) => (body['errors'] as unknown[]).slice(1)

test('what is no plan in its form is refused as any body is', async () => {
  const named = (name: unknown) => postTo(requestsAt(here), { steps: [step('a', [{ name, type: 'sleep' }])] })
  expect(await named('no name')).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
  const unknown = await postTo(requestsAt(here), { steps: [{ name: 'a', job: [] }] })
  expect(unknown).toMatchObject({
    status: 400,
    body: { code: 'unknown-member', errors: [{ pointer: '/steps/0/job' }] },
  })
})
