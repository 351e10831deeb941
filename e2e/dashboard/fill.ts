import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { postTo, send } from '../support/call.ts'
import { type Hasty, type HastyOptions, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob, untilRunning } from '../support/jobs.ts'

/** A Hasty with all services, and the handlers of the tests. */
export const startForDashboard = (options: HastyOptions = {}): Promise<Hasty> =>
  startInProcess({
    workflows: 1,
    ingests: 1,
    ...options,
    env: { HANDLERS_DIR: join(import.meta.dirname, '../handlers'), ...options.env },
  })

/** A text that would do harm, were it ever taken for markup, with a mark that turns what follows around. */
export const HOSTILE =
  '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>\u202egnp.exe'

export interface Filled {
  failed: string
  tried: string
  running: string
  hostile: string
  request: string
  waiting: string
}

/** Puts one of each into Hasty: jobs in every state, a request that waits and one that failed, a schedule, a plan. */
export async function fill(hasty: Hasty): Promise<Filled> {
  const jobs = {
    failed: await makeJob(hasty, {
      type: 'mixed',
      payload: { how: 'fail' },
      object_id: 'order-7',
      tags: ['customer:42'],
    }),
    tried: await makeJob(hasty, { type: 'mixed', payload: { how: 'retry' } }),
    running: await makeJob(hasty, { type: 'telling', payload: { steps: 1_000, ms: 200 } }),
    hostile: await makeJob(hasty, { type: 'moody', object_id: HOSTILE, payload: hostilePayload() }),
  }
  await makeJob(hasty, { type: 'mixed', payload: { how: 'fail' }, delay_ms: 3_600_000 })
  const schedule = { cron: '0 3 * * *', timezone: 'Europe/Berlin', job: { type: 'add', payload: { numbers: [1] } } }
  await send('PUT', `${hasty.url}/v1/schedules/nightly`, schedule)
  const steps = [
    { name: 'collect', jobs: [{ name: 'sum', type: 'add', foreach: '/params/rows', payload: { numbers: [1, 2] } }] },
    { name: 'approve', signal: 'approved' },
    { name: 'ship', jobs: [{ name: 'parcel', type: 'add', payload: { numbers: [3] } }] },
  ]
  await send('PUT', `${hasty.url}/v1/definitions/order`, { steps })
  const waiting = await makeRequest(hasty, { name: 'order 7', definition: 'order', params: { rows: [1, 2, 3] } })
  const undo = { type: 'add', payload: { numbers: [-1] } }
  const request = await makeRequest(hasty, {
    name: 'fails',
    steps: [
      { name: 'reserve', jobs: [{ name: 'seat', type: 'add', payload: { numbers: [1] }, compensate: undo }] },
      { name: 'pay', jobs: [{ name: 'charge', type: 'mixed', payload: { how: 'fail' } }] },
    ],
  })
  await untilRequest(hasty, waiting, { step: 'approve' })
  await untilRequest(hasty, request, { status: 'failed' })
  await untilJob(hasty, jobs.failed, { status: 'failed' })
  await untilJob(hasty, jobs.tried, { status: 'finished' })
  await untilJob(hasty, jobs.hostile, { status: 'finished' })
  await untilRunning(hasty, jobs.running)
  return { ...jobs, request, waiting }
}

/** Values that a careless page breaks on: markup, turned text, a megabyte in one string, thousands of members. */
const hostilePayload = () => ({
  html: HOSTILE,
  long: 'x'.repeat(600_000),
  members: Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`member-${n}`, n])),
  __proto: { exact: 9_007_199_254_740_991 },
})

async function makeRequest(hasty: Hasty, body: Record<string, unknown>): Promise<string> {
  const answer = await postTo(`${hasty.url}/v1/requests`, body)
  expect(answer).toMatchObject({ status: 201 })
  return answer.body['request_id'] as string
}

export const untilRequest = (hasty: Hasty, id: string, fields: Partial<RequestView>): Promise<void> =>
  vi.waitFor(
    async () => {
      const request = (await (await fetch(`${hasty.url}/v1/requests/${id}`)).json()) as RequestView
      expect(request).toMatchObject(fields)
    },
    { timeout: 20_000, interval: 25 },
  )
