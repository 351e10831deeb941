// The seed's settings: whether anything is picked up, and when.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import { startHasty } from '../support/hasty.ts'
import { make, post, requestsAt, run, untilLike, view } from './request-calls.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SECOND = 1_000
const mark = (name: string) => ({ name, type: 'mark', payload: { name } })
const steps = [
  { name: 'one', jobs: [mark('a')] },
  { name: 'two', jobs: [mark('b')] },
]
/** Every fourth second: by chance alone a time lies within the second after it in a quarter of all cases. */
const CRON = '*/4 * * * * *'
const sinceTickMs = (time: string | null | undefined) => Date.parse(time ?? '') % (4 * SECOND)

test('WRK_ENABLED=false answers, and picks nothing up until it is true', async () => {
  await using hasty = await startHasty({ workflows: 1, env: { HANDLERS_DIR }, workflowEnv: { WRK_ENABLED: 'false' } })
  const [workflow] = hasty.workflow
  const url = workflow?.url ?? ''
  const id = await make(url, { steps })
  expect(await getFrom(`${url}/heartbeat`)).toMatchObject({ status: 200, body: { service: 'workflow' } })
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
  const other = await hasty.addWorkflow({ WRK_ENABLED: 'false' })
  expect(await view(other.url, id)).toMatchObject({ status: 'queuing', step: 'one' })
  expect(await getFrom(`${other.url}/v1/requests`)).toMatchObject({ body: { items: [{ request_id: id }] } })
  await workflow?.restart({ WRK_ENABLED: 'true' })
  await untilLike(url, id, { status: 'completed' })
})

test('where the broker holds too much of requests new ones are refused, and those that are there go on', async () => {
  await using hasty = await startHasty({ workflows: 1, env: { HANDLERS_DIR } })
  const url = hasty.workflow[0]?.url ?? ''
  const id = await make(url, { steps: [{ name: 'wait', signal: 'go' }, ...steps] })
  const full = await hasty.addWorkflow({ REQUESTS_MAX_BYTES: '1' })
  const refused = await postTo(requestsAt(full.url), { steps })
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(await post(full.url, id, '/signals/go')).toMatchObject({ status: 200 })
  await untilLike(full.url, id, { status: 'completed' })
})

test('a cancel waits for no time', async () => {
  const workflowEnv = { WRK_JOB_CRON: '0 0 1 1 *' }
  await using hasty = await startHasty({ workflows: 1, env: { HANDLERS_DIR } })
  const url = hasty.workflow[0]?.url ?? ''
  const id = await make(url, {
    steps: [{ name: 'one', jobs: [{ name: 'long', type: 'sleep', payload: { ms: 60_000 } }] }],
  })
  await untilLike(url, id, { status: 'inprogress', steps: [{ jobs: [{ attempts: [{ status: 'inprogress' }] }] }] })
  await hasty.workflow[0]?.restart(workflowEnv)
  expect(await post(url, id, '/cancel')).toMatchObject({ status: 200 })
  await untilLike(url, id, { status: 'cancelled', steps: [{ jobs: [{ status: 'cancelled' }] }] })
})

// Together: each mostly waits.
test.concurrent.each([
  ['WRK_REQUEST_NEW_CRON', (times: Times) => [times.firstStep]],
  ['WRK_REQUEST_INPROGRESS_CRON', (times: Times) => [times.secondStep]],
  ['WRK_JOB_CRON', (times: Times) => [times.firstJob, times.secondJob]],
] as const)('%s makes it wait for its times', async (name, timesOf) => {
  await using hasty = await startHasty({ workflows: 2, env: { HANDLERS_DIR }, workflowEnv: { [name]: CRON } })
  const url = hasty.workflow[0]?.url ?? ''
  for (let n = 0; n < 2; n++) {
    const { steps: done } = await vi.waitFor(() => run(url, { steps }), { timeout: 60_000 })
    const [first, second] = done
    const times = {
      firstStep: first?.started_at,
      secondStep: second?.started_at,
      firstJob: first?.jobs[0]?.attempts[0]?.started_at,
      secondJob: second?.jobs[0]?.attempts[0]?.started_at,
    }
    for (const time of timesOf(times)) expect(sinceTickMs(time)).toBeLessThan(SECOND)
  }
})

type Times = Record<'firstStep' | 'secondStep' | 'firstJob' | 'secondJob', string | null | undefined>
