// The history of a job says who sent, moved, cancelled and retried it.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { startInProcess } from '../support/hasty.ts'
import { bearer, SECRET, tokenOf } from './tokens.ts'

interface Note {
  event: string
  by?: string
}

test('each change of a job names the subject of the token, and what workers do names none', async () => {
  await using hasty = await startInProcess({ env: { AUTH: 'required', JWT_SECRET: SECRET } })
  const jobs = `${hasty.url}/v1/jobs`
  const [ann, bob, carl] = await Promise.all(['ann', 'bob', 'carl'].map(async (name) => bearer(await tokenOf(name))))
  const body = { object_id: randomUUID(), type: 'sleep', payload: { ms: 1 }, delay_ms: 600_000 }
  const { body: made } = await send('POST', jobs, body, ann)
  const job = `${jobs}/${String(made['job_id'])}`
  expect(await send('PATCH', job, { delay_ms: 700_000 }, bob)).toMatchObject({ status: 200 })
  expect(await postTo(`${job}/cancel`, {}, carl)).toMatchObject({ status: 200 })
  expect(await postTo(`${job}/retry`, {}, ann)).toMatchObject({ status: 202 })
  const history = async () =>
    ((await getFrom(`${job}/events`, ann)).body['items'] as Note[]).map(({ event, by }) => [event, by])
  await expect.poll(history, { timeout: 15_000 }).toEqual([
    ['job:scheduled', 'ann'],
    ['job:scheduled', 'bob'],
    ['job:cancelled', 'carl'],
    ['job:created', 'ann'],
    ['job:started', undefined],
    ['job:finished', undefined],
  ])
})
