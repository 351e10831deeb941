import { afterAll, beforeAll, expect, test } from 'vitest'
import { countStatuses, getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { make, napping, requestsAt, run, step, untilLike, view } from './request-calls.ts'

let hasty: Hasty
let here: string
let there: string

beforeAll(async () => {
  hasty = await startInProcess({ jobs: 1, workflows: 2 })
  here = hasty.workflow[0]?.url ?? ''
  there = hasty.workflow[1]?.url ?? ''
})
afterAll(() => hasty.stop())

const at = (url: string, name = '') => `${url}/v1/definitions${name === '' ? '' : `/${name}`}`
const put = (url: string, name: string, steps: unknown) => send('PUT', at(url, name), { steps })
const plan = (ms: number) => [step('one', napping(ms, 'a'))]

test('a plan is stored, and each other one of its name is its next version', async () => {
  const made = await put(here, 'resize', plan(1))
  expect(made).toMatchObject({ status: 201, body: { name: 'resize', version: 1, steps: [{ name: 'one' }] } })
  expect(await put(there, 'resize', plan(1))).toMatchObject({ status: 200, body: made.body })
  expect(await put(there, 'resize', plan(2))).toMatchObject({ status: 201, body: { version: 2 } })
  expect((await getFrom(at(here, 'resize'))).body).toMatchObject({
    version: 2,
    steps: [{ jobs: [{ payload: { ms: 2 } }] }],
  })
  expect((await getFrom(`${at(here, 'resize')}?version=1`)).body).toEqual(made.body)
  const none = await getFrom(`${at(here, 'resize')}?version=3`)
  expect(none).toMatchObject({ status: 404, body: { code: 'definition-not-found' } })
})

test('a request keeps the version that it began with', async () => {
  const waiting = (name: string) => [{ name: 'wait', signal: 'go' }, step(name, napping(1, 'a'))]
  await put(here, 'kept', waiting('old'))
  const id = await make(there, { definition: 'kept' })
  await put(here, 'kept', waiting('new'))
  await postTo(requestsAt(here, id, '/signals/go'), {})
  const ended = await untilLike(here, id, { status: 'completed' })
  expect(ended).toMatchObject({ definition: { name: 'kept', version: 1 }, steps: [{}, { name: 'old' }] })
  const next = await make(here, { definition: 'kept' })
  expect(await view(there, next)).toMatchObject({ definition: { version: 2 }, steps: [{}, { name: 'new' }] })
  const first = await make(here, { definition: 'kept', version: 1 })
  expect(await view(there, first)).toMatchObject({ definition: { version: 1 }, steps: [{}, { name: 'old' }] })
})

test('of many who store the same plan at once one makes the version', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => put(n % 2 === 0 ? here : there, 'raced', plan(5))),
  )
  expect(countStatuses(answers)).toEqual({ 200: 19, 201: 1 })
})

test('the last 20 versions are kept', async () => {
  for (let n = 1; n <= 22; n++) await put(here, 'many', plan(n))
  expect((await getFrom(`${at(there, 'many')}?version=2`)).status).toBe(404)
  expect((await getFrom(`${at(there, 'many')}?version=3`)).body).toMatchObject({ version: 3 })
  expect((await getFrom(at(there, 'many'))).body).toMatchObject({ version: 22 })
})

test('definitions are listed by name with their latest version, and can be deleted', async () => {
  await put(here, 'z-last', plan(1))
  await put(here, 'a-first', plan(1))
  await put(here, 'a-first', plan(2))
  const names = async () => (await getFrom(at(there))).body['items'] as { name: string; version: number }[]
  const listed = await names()
  expect(listed.map(({ name }) => name)).toEqual(listed.map(({ name }) => name).toSorted())
  expect(listed[0]).toEqual({ name: 'a-first', version: 2, created_at: expect.any(String) as string })
  expect((await send('DELETE', at(there, 'a-first'))).status).toBe(204)
  expect((await send('DELETE', at(there, 'a-first'))).status).toBe(404)
  expect((await names()).map(({ name }) => name)).not.toContain('a-first')
  expect(await postTo(requestsAt(here), { definition: 'a-first' })).toMatchObject({ body: { code: 'invalid-plan' } })
})

test('a request that began keeps going when its definition is deleted', async () => {
  await put(here, 'gone', plan(300))
  const id = await make(here, { definition: 'gone' })
  await send('DELETE', at(here, 'gone'))
  await untilLike(here, id, { status: 'completed', definition: { name: 'gone', version: 1 } })
})

test.each([
  ['no%20name', plan(1), 'invalid-request'],
  ['x'.repeat(65), plan(1), 'invalid-request'],
  ['bad', [], 'invalid-plan'],
  ['bad', [step('one', [{ name: 'a', type: 'nothing' }])], 'invalid-plan'],
])('%s with %j is refused', async (name, steps, code) => {
  expect(await put(here, name, steps)).toMatchObject({ status: 400, body: { code } })
})

test('what a definition says runs', async () => {
  await put(here, 'runs', plan(1))
  expect(await run(there, { definition: 'runs', params: { a: 1 } })).toMatchObject({ status: 'completed' })
})

test('a definition can be a job of another request, which shows it and gets its extras', async () => {
  await put(here, 'child', [{ name: 'wait', signal: 'go' }])
  const parent = await make(here, { steps: [step('one', [{ name: 'a', definition: 'child', payload: { b: 2 } }])] })
  const running = await untilLike(there, parent, { steps: [{ jobs: [{ name: 'a', status: 'inprogress' }] }] })
  const childId = running.steps[0]?.jobs[0]?.job_id ?? ''
  await untilLike(there, childId, { parent: { request_id: parent, job: 'a' }, params: { b: 2 }, status: 'inprogress' })
  await postTo(requestsAt(there, childId, '/signals/go'), { extras: { c: 3 } })
  await untilLike(here, parent, { status: 'completed', extras: { c: 3 }, parent: null })
})
