import { expect, test } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import { startInProcess } from '../support/hasty.ts'

test('values that fill a payload beyond all memory fail their job and the request, which can be retried', async () => {
  await using hasty = await startInProcess({ jobs: 0, workflows: 1 })
  const url = `${hasty.workflow[0]!.url}/v1/requests`
  // About 600 MB, described in 250 KB.
  const data = Array.from({ length: 9_000 }, () => ({ $value: '/params/big' }))
  const steps = [{ name: 'a', jobs: [{ name: 'x', type: 'task', payload: { data } }] }]
  const made = await postTo(url, { params: { big: 'x'.repeat(65_000) }, steps })
  expect(made.status).toBe(201)
  const request = `${url}/${String(made.body['request_id'])}`
  await expect
    .poll(async () => (await getFrom(request)).body, { timeout: 20_000 })
    .toMatchObject({ status: 'failed', error: { code: 'payload-too-large' } })
  expect(await postTo(`${request}/retry`, {})).toMatchObject({ status: 202 })
})
