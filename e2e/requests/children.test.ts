// A job of a request that is itself a request.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SOON = { timeout: 20_000, interval: 25 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 1, workflows: 2, nginx: true, env: { HANDLERS_DIR } })
})
afterAll(() => hasty.stop())

const define = async (name: string, steps: unknown[]) =>
  expect((await send('PUT', `${hasty.url}/v1/definitions/${name}`, { steps })).status).toBe(201)
const create = async (body: Record<string, unknown>) => {
  const answer = await postTo(`${hasty.url}/v1/requests`, body)
  expect(answer).toMatchObject({ status: 201 })
  return answer.body['request_id'] as string
}
const read = async (id: string) => (await getFrom(`${hasty.url}/v1/requests/${id}`)).body as unknown as RequestView
const until = (id: string, fields: Partial<RequestView>) =>
  vi.waitFor(async () => {
    const request = await read(id)
    expect(request).toMatchObject(fields)
    return request
  }, SOON)
const mark = (name: unknown, ms = 1) => ({ name: 'mark', type: 'mark', payload: { name, ms } })

test('runs beside other jobs with the params it is given, and gives its extras back', async () => {
  await define('inner', [{ name: 'only', jobs: [mark({ $value: '/params/word' })] }])
  const id = await create({
    extras: { before: 1 },
    steps: [
      { name: 'one', jobs: [{ name: 'child', definition: 'inner', payload: { word: 'hello' } }, mark('beside')] },
      { name: 'two', jobs: [mark('after')] },
    ],
  })
  const request = await until(id, { status: 'completed' })
  expect(request.extras).toEqual({ before: 1, hello: 'hello', beside: 'beside', after: 'after' })
  const child = request.steps[0]?.jobs.find(({ name }) => name === 'child')
  expect(child).toMatchObject({ status: 'completed' })
  expect(await read(child?.job_id ?? '')).toMatchObject({
    status: 'completed',
    definition: { name: 'inner', version: 1 },
    parent: { request_id: id, job: 'child' },
  })
})

test('that fails fails the request', async () => {
  await define('broken', [{ name: 'only', jobs: [{ name: 'bad', type: 'moody', payload: { bad_attempts: 9 } }] }])
  const id = await create({ steps: [{ name: 'one', jobs: [{ name: 'child', definition: 'broken' }] }] })
  const failed = await until(id, { status: 'failed' })
  expect(failed.error?.message).toBe('bad mood 1')
  // Its parent would not hear of the retry, and would start another child.
  const child = failed.steps[0]?.jobs[0]?.job_id ?? ''
  await until(child, { status: 'failed' })
  expect(await postTo(`${hasty.url}/v1/requests/${child}/retry`, {})).toMatchObject({ status: 409 })
})

test('is cancelled with the request that began it', async () => {
  await define('slow', [{ name: 'only', jobs: [mark('never', 60_000)] }])
  const id = await create({ steps: [{ name: 'one', jobs: [{ name: 'child', definition: 'slow' }] }] })
  const childId = await vi.waitFor(async () => {
    const [child] = (await read(id)).steps[0]?.jobs ?? []
    expect(await read(child?.job_id ?? '')).toMatchObject({ status: 'inprogress' })
    return child?.job_id ?? ''
  }, SOON)
  expect(await send('DELETE', `${hasty.url}/v1/requests/${id}`)).toMatchObject({ status: 200 })
  await until(childId, { status: 'cancelled' })
})

test('that begins itself comes to an end', async () => {
  await define('endless', [{ name: 'only', jobs: [{ name: 'again', definition: 'endless' }] }])
  const id = await create({ definition: 'endless' })
  const request = await until(id, { status: 'failed' })
  expect(request.error?.message).toContain('at most 3 deep')
})

test('of a definition that is gone by then fails', async () => {
  await define('fleeting', [{ name: 'only', jobs: [mark('x')] }])
  const steps = [
    { name: 'wait', signal: 'go' },
    { name: 'one', jobs: [{ name: 'child', definition: 'fleeting' }] },
  ]
  const id = await create({ steps })
  expect((await send('DELETE', `${hasty.url}/v1/definitions/fleeting`)).status).toBe(204)
  expect(await postTo(`${hasty.url}/v1/requests`, { steps })).toMatchObject({
    status: 400,
    body: { code: 'invalid-plan' },
  })
  expect(await postTo(`${hasty.url}/v1/requests/${id}/signals/go`, {})).toMatchObject({ status: 200 })
  expect(await until(id, { status: 'failed' })).toMatchObject({ error: { code: 'definition-not-found' } })
})
