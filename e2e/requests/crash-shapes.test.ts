// Everything that a plan may have, killed at any moment: needs, foreach, a child, a signal, a failure with undo, and a
// retry of all that.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { endsOfJobs, killOne } from './kills.ts'

const KILLS = Number(process.env['HASTY_KILLS'] ?? 6)
const REQUESTS = Number(process.env['HASTY_REQUESTS'] ?? 16)
const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const PATIENCE = { timeout: 120_000, interval: 250 }

const mark = (name: unknown, more = {}) => ({ name: String(name), type: 'mark', payload: { name }, ...more })
const undone = (name: string) => ({ compensate: { type: 'mark', payload: { name: `undo-${name}` } } })
const inner = [{ name: 'only', jobs: [{ name: 'deep', type: 'mark', payload: { name: { $value: '/params/word' } } }] }]
const steps = [
  {
    name: 'fork',
    jobs: [
      mark('root', undone('root')),
      mark('left', { needs: ['root'], ...undone('left') }),
      mark('right', { needs: ['root'] }),
      { name: 'item', type: 'mark', foreach: '/params/items', payload: { name: { $value: '/item' } } },
    ],
  },
  { name: 'inside', jobs: [{ name: 'child', definition: 'inner', payload: { word: 'from-child' } }, mark('beside')] },
  { name: 'gate', signal: 'go' },
  { name: 'fall', jobs: [{ name: 'bad', type: 'moody', payload: { bad_attempts: 99 } }] },
]
const ITEMS = ['x', 'y', 'z']
const LEFT_IN_EXTRAS = ['root', 'left', 'right', ...ITEMS, 'from-child', 'beside']
/** fork 6, inside 2, fall 1, undo 2; the retry runs the undone jobs, the failed one, and undoes again. */
const JOBS_A_REQUEST = 6 + 2 + 1 + 2 + (2 + 1 + 2)
/** Events of a job: created, started and finished. */
const EVENTS_A_REQUEST = 3 * JOBS_A_REQUEST
const REQUESTS_A_KILL = Math.ceil(REQUESTS / KILLS)

test('requests of every shape end as they would have, twice over', async () => {
  await using hasty = await startMixed(['workflow', 'job'], {
    apis: 1,
    jobs: 2,
    workflows: 3,
    nginx: true,
    env: { HANDLERS_DIR, LEASE_MS: '1000', JOB_SLOTS: '20' },
  })
  expect((await send('PUT', `${hasty.url}/v1/definitions/inner`, { steps: inner })).status).toBe(201)
  const running: Promise<void>[] = []
  for (let n = 0; n < KILLS; n++) {
    running.push(...Array.from({ length: REQUESTS_A_KILL }, () => runTwice(hasty)))
    await killOne(hasty, REQUESTS_A_KILL * EVENTS_A_REQUEST)
  }
  await Promise.all(running)
  const ends = await endsOfJobs(hasty)
  expect(ends.size).toBe(KILLS * REQUESTS_A_KILL * JOBS_A_REQUEST)
  expect([...ends.values()].filter((count) => count !== 1)).toEqual([])
})

async function runTwice(hasty: Mixed<'workflow' | 'job'>): Promise<void> {
  const id = await create(hasty)
  await ask(hasty, `${id}/signals/go`, (status) => status === 200)
  expectEnd(await untilFailed(hasty, id, 1), 1)
  // A request that an earlier try has retried is not failed any more.
  await ask(hasty, `${id}/retry`, (status) => status === 202 || status === 409)
  expectEnd(await untilFailed(hasty, id, 2), 2)
}

function create(hasty: Mixed<'workflow' | 'job'>): Promise<string> {
  const key = { 'idempotency-key': crypto.randomUUID() }
  return vi.waitFor(async () => {
    const answer = await postTo(`${hasty.url}/v1/requests`, { params: { items: ITEMS }, steps }, key)
    expect(answer.status).toBe(201)
    return answer.body['request_id'] as string
  }, PATIENCE)
}

const ask = (hasty: Mixed<'workflow' | 'job'>, path: string, isGood: (status: number) => boolean): Promise<void> =>
  vi.waitFor(async () => {
    const { status } = await postTo(`${hasty.url}/v1/requests/${path}`, {})
    expect(isGood(status)).toBe(true)
  }, PATIENCE)

const untilFailed = (hasty: Mixed<'workflow' | 'job'>, id: string, round: number): Promise<RequestView> =>
  vi.waitFor(async () => {
    const { body } = await getFrom(`${hasty.url}/v1/requests/${id}`)
    expect(body).toMatchObject({ status: 'failed', round })
    return body as unknown as RequestView
  }, PATIENCE)

function expectEnd(request: RequestView, round: number): void {
  expect(request.extras).toEqual(Object.fromEntries(LEFT_IN_EXTRAS.map((name) => [name, name])))
  expect(request.steps.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'failed'])
  const jobs = request.steps.flatMap((step) => step.jobs)
  for (const { name, status, attempts } of jobs) {
    expect([name, status]).toEqual([name, name === 'bad' ? 'failure' : 'completed'])
    const isAgain = round === 2 && (name === 'root' || name === 'left')
    if (name !== 'bad' && name !== 'child')
      expect(attempts.filter(({ status: end }) => end === 'completed')).toHaveLength(isAgain ? 2 : 1)
  }
  // The later one first, in every round.
  expect(request.undone.map(({ name, status }) => `${name} ${status}`)).toEqual(
    Array.from({ length: round }, () => ['left completed', 'root completed']).flat(),
  )
  const undoneAt = request.undone.map(({ ended_at }) => ended_at ?? '')
  expect(undoneAt).toEqual(undoneAt.toSorted())
}
