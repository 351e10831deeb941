// The settings WRK_*: whether anything is picked up, and when.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import type { InProcess } from '../support/in-process.ts'
import { endsOfJobs } from './kills.ts'
import { make, napping, post, requestsAt, SOON, untilLike, view } from './request-calls.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SECOND = 1_000
const mark = (name: string, ms = 0) => ({ name, type: 'mark', payload: { name, ms } })
const steps = [
  { name: 'one', jobs: [mark('a')] },
  { name: 'two', jobs: [mark('b')] },
]
const UNSET = { WRK_ENABLED: 'true', WRK_REQUEST_NEW_CRON: '', WRK_REQUEST_INPROGRESS_CRON: '', WRK_JOB_CRON: '' }

let hasty: Hasty
/** One broker for all: its only workflow service is restarted with the settings of each test. */
let workflow: InProcess
let url: string
beforeAll(async () => {
  hasty = await startInProcess({ apis: 0, workflows: 1, env: { HANDLERS_DIR } })
  const [only] = hasty.workflow
  if (only === undefined) throw new Error('no workflow service')
  workflow = only
  url = only.url
})
afterAll(() => hasty.stop())

const restartWith = (env: Record<string, string>) => workflow.restart({ ...UNSET, ...env })

test('WRK_ENABLED=false answers, and picks nothing up until it is true', async () => {
  const begun = await make(url, { steps: [{ name: 'one', jobs: [mark('long', 8 * SECOND)] }, ...steps.slice(1)] })
  const running = await untilLike(url, begun, { steps: [{ jobs: [{ status: 'inprogress' }] }, {}] })
  await restartWith({ WRK_ENABLED: 'false' })
  const id = await make(url, { steps })
  expect(await getFrom(`${url}/heartbeat`)).toMatchObject({ status: 200, body: { service: 'workflow' } })
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
  const other = await hasty.addWorkflow({ WRK_ENABLED: 'false' })
  expect(await view(other.url, id)).toMatchObject({ status: 'queuing', step: 'one' })
  expect((await getFrom(`${other.url}/v1/requests`)).body).toMatchObject({ items: [{ request_id: id }, {}] })
  const jobId = running.steps[0]?.jobs[0]?.job_id ?? ''
  await vi.waitFor(async () => expect(await endsOfJobs(hasty)).toEqual(new Map([[jobId, 1]])), SOON)
  expect(await view(other.url, begun)).toMatchObject({ steps: [{ status: 'inprogress' }, { status: 'new' }] })
  await other.stop()
  await restartWith({})
  await untilLike(url, id, { status: 'completed' })
  await untilLike(url, begun, { status: 'completed' })
})

test('where the broker holds too much of requests new ones are refused, and those that are there go on', async () => {
  const id = await make(url, { steps: [{ name: 'wait', signal: 'go' }, ...steps] })
  const full = await hasty.addWorkflow({ REQUESTS_MAX_BYTES: '1' })
  const refused = await postTo(requestsAt(full.url), { steps })
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(await post(full.url, id, '/signals/go')).toMatchObject({ status: 200 })
  await untilLike(full.url, id, { status: 'completed' })
  await full.stop()
})

test('a cancel waits for no time', async () => {
  const id = await make(url, { steps: [{ name: 'one', jobs: napping(60 * SECOND, 'long') }] })
  await untilLike(url, id, { status: 'inprogress', steps: [{ jobs: [{ attempts: [{ status: 'inprogress' }] }] }] })
  await restartWith({ WRK_JOB_CRON: '0 0 1 1 *' })
  expect(await post(url, id, '/cancel')).toMatchObject({ status: 200 })
  await untilLike(url, id, { status: 'cancelled', steps: [{ jobs: [{ status: 'cancelled' }] }] })
})

test('what waits for its times does not wait for ever where they are not set any more', async () => {
  const cron = '*/2 * * * * *'
  await restartWith({ WRK_REQUEST_NEW_CRON: cron, WRK_REQUEST_INPROGRESS_CRON: cron })
  const names = Array.from({ length: 8 }, (_, n) => `s${n}`)
  const id = await make(url, { steps: names.map((name) => ({ name, jobs: [mark(name)] })) })
  await untilLike(url, id, { status: 'inprogress', step: 's1' })
  const waiting = await make(url, { steps })
  await restartWith({})
  await untilLike(url, id, { status: 'completed' })
  await untilLike(url, waiting, { status: 'completed' })
})

/**
 * Each setting has a third of the time to itself: by chance alone all four times of a request would fall into it once
 * in 81 cases.
 */
const PERIOD_S = 12
const AT_S = { WRK_REQUEST_NEW_CRON: 0, WRK_JOB_CRON: 4, WRK_REQUEST_INPROGRESS_CRON: 8 }
const sinceTickMs = (time: string | null | undefined, atS: number) =>
  (Date.parse(time ?? '') - atS * SECOND) % (PERIOD_S * SECOND)

test('new requests, those that go on, and jobs are picked up at the times that are set for them', async () => {
  const crons = Object.entries(AT_S).map(([name, atS]) => [name, `${atS}-59/${PERIOD_S} * * * * *`])
  await restartWith(Object.fromEntries(crons))
  const other = await hasty.addWorkflow(Object.fromEntries(crons))
  const ids = await Promise.all([url, other.url].map((at) => make(at, { steps })))
  for (const id of ids) {
    const { steps: done } = await vi.waitFor(() => untilLike(url, id, { status: 'completed' }), 3 * SOON.timeout)
    const [first, second] = done
    const times = [
      sinceTickMs(first?.started_at, AT_S.WRK_REQUEST_NEW_CRON),
      sinceTickMs(first?.jobs[0]?.attempts[0]?.started_at, AT_S.WRK_JOB_CRON),
      sinceTickMs(second?.started_at, AT_S.WRK_REQUEST_INPROGRESS_CRON),
      sinceTickMs(second?.jobs[0]?.attempts[0]?.started_at, AT_S.WRK_JOB_CRON),
    ]
    expect(Math.max(...times)).toBeLessThan((PERIOD_S / 3) * SECOND)
  }
})
