import { afterAll, beforeAll, expect, test } from 'vitest'
import { postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const MISSING = { status: 400, body: { code: 'invalid-request', errors: [{ pointer: '/type', detail: 'is missing' }] } }

let hasty: Hasty
let strictUrl: string
beforeAll(async () => {
  hasty = await startInProcess({ jobs: 0, env: { BUILT_IN_TYPES: 'sleep,add' } })
  strictUrl = (await hasty.addApi({ DEFAULT_JOB_TYPE: 'none' })).url
})
afterAll(() => hasty.stop())

test('a job without a type is a `sleep` at the root, unless the setting says otherwise, and refused under /v1', async () => {
  expect(await postTo(hasty.url, { object_id: 'a' })).toMatchObject({ status: 201, body: { type: 'sleep' } })
  expect(await postTo(strictUrl, { object_id: 'b' })).toMatchObject(MISSING)
  expect(await postTo(strictUrl, { object_id: 'b', type: 'sleep' })).toMatchObject({ status: 201 })
  expect(await postTo(`${hasty.url}/v1/jobs`, { object_id: 'c' })).toMatchObject(MISSING)
  const batch = await postTo(`${hasty.url}/v1/jobs/batch`, [{ object_id: 'd', type: 'sleep' }, { object_id: 'e' }])
  expect(batch.body).toMatchObject({ accepted: 1, items: [{ status: 201 }, { index: 1, error: MISSING.body }] })
})

test('a built-in type that is switched off is no type', async () => {
  const answer = await postTo(hasty.url, { object_id: 'f', type: 'task' })
  expect(answer).toMatchObject({ status: 400, body: { code: 'unknown-type', known_types: ['add', 'sleep'] } })
})
