// A type whose jobs share calls: each is still a job of its own.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SOON = { timeout: 20_000, interval: 25 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 1, env: { HANDLERS_DIR, JOB_SLOTS: '20' } })
})
afterAll(() => hasty.stop())

/** @returns the job's id */
async function post(objectId: string, payload: Record<string, unknown>): Promise<string> {
  const { status, body } = await postTo(hasty.url, { object_id: objectId, type: 'gather', payload })
  expect(status).toBe(201)
  return body['job_id'] as string
}

async function ended(jobId: string): Promise<Record<string, unknown>> {
  const read = async () => (await getFrom(`${hasty.url}/v1/jobs/${jobId}`)).body
  await expect.poll(async () => (await read())['finished_at'], SOON).toEqual(expect.any(String))
  return read()
}

test('jobs with the same key run together, as many as fit, and each has its own end', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const ids = await Promise.all(names.map((name) => post(name, { group: name < 'e' ? 'one' : 'two' })))
  const jobs = await Promise.all(ids.map(ended))
  const together = jobs.map(({ result }) => (result as { together: string[] }).together.toSorted().join(''))
  expect(together).toEqual(['abcd', 'abcd', 'abcd', 'abcd', 'ef', 'ef'])
})

test('one is tried again or fails without the others', async () => {
  const ids = await Promise.all([
    post('good', { group: 'mixed' }),
    post('again', { group: 'mixed', first: 'retry' }),
    post('never', { group: 'mixed', first: 'failed' }),
  ])
  expect(await Promise.all(ids.map(ended))).toMatchObject([
    { status: 'finished', result: { attempt: 1 } },
    { status: 'finished', result: { together: ['again'], attempt: 2 } },
    { status: 'failed', error: { message: 'never' } },
  ])
})

test('one that is cancelled while it waits for others leaves them', async () => {
  const [first, second] = await Promise.all([post('x', { group: 'left' }), post('y', { group: 'left' })])
  expect(await send('DELETE', `${hasty.url}/v1/jobs/${first}`)).toMatchObject({ status: 200 })
  expect(await ended(second)).toMatchObject({ status: 'finished', result: { together: ['y'] } })
  expect(await ended(first)).toMatchObject({ status: 'cancelled' })
})

test('the type says so', async () => {
  const { body } = await getFrom(`${hasty.url}/v1/types`)
  expect((body['items'] as { type: string }[]).find(({ type }) => type === 'gather')).toMatchObject({
    policy: { batch: { size: 4, max_wait_ms: 500, key: '/group' } },
  })
})
