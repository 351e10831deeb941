import { expect, test } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { getFrom, send } from '../support/call.ts'
import { startMixed } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { getRaw, listWorkers, readAttempts, workerOf } from './workers.ts'

test('the api passes /v1/workers on to a job service that answers', async () => {
  await using hasty = await startMixed(['job'], { jobs: 2, jobEnv: { SLEEP_MIN_MS: '1', SLEEP_MAX_MS: '1' } })
  const nobody = `http://127.0.0.1:${await freePort()}`
  const JOB_URLS = [nobody, ...hasty.job.map(({ port }) => `http://localhost:${port}`)].join(', ')
  const [{ url }, unaware] = await Promise.all([hasty.addApi({ JOB_URLS }), hasty.addApi({ JOB_URLS: '' })])
  expect(await getFrom(`${unaware.url}/v1/workers`)).toMatchObject({
    status: 404,
    body: { code: 'not-found', detail: expect.stringContaining('job service') as string },
  })
  for (let n = 0; n < 5; n++) await untilJob(hasty, await makeJob(hasty), { status: 'finished' })
  const workers = await Promise.all(hasty.job.map(({ pid }) => workerOf({ url }, pid)))
  await expect
    .poll(async () => (await listWorkers({ url })).reduce((sum, { processed }) => sum + processed, 0), {
      timeout: 5_000,
    })
    .toBe(5)
  const attempts = await Promise.all(workers.map(({ worker_id }) => readAttempts({ url }, worker_id, 2)))
  expect(attempts.flat()).toHaveLength(5)

  const bad = await getFrom(`${url}/v1/workers?alive=1`, { accept: 'application/json' })
  expect(bad).toMatchObject({ status: 400, body: { code: 'unknown-member', errors: [{ parameter: 'alive' }] } })
  expect(bad.headers.get('content-type')).toContain('application/problem+json')
  expect(bad.body['request_id']).toBe(bad.headers.get('x-request-id'))
  expect(await getFrom(`${url}/v1/workers/nobody`)).toMatchObject({ status: 404, body: { code: 'worker-not-found' } })
  expect(await send('DELETE', `${url}/v1/workers`)).toMatchObject({ status: 405 })
  expect((await fetch(`${url}/v1/workers`, { method: 'HEAD' })).status).toBe(200)
  const tricks = [
    '/v1/workers/%2e%2e',
    '/v1/workers/../attempts',
    '/v1/workers/..%2f..%2fmetrics',
    '/v1/workers/../../readyz',
    String.raw`/v1/workers/..\..\metrics`,
  ]
  for (const path of tricks) expect(await getRaw(url, path)).toMatchObject({ status: 404 })

  await hasty.job[0]?.stop()
  expect((await listWorkers({ url }, '?live=true')).map(({ pid }) => pid)).toEqual([hasty.job[1]?.pid])
  await hasty.job[1]?.stop()
  expect(await getFrom(`${url}/v1/workers`)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
})
