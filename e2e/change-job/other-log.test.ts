import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { getFrom, send } from '../support/call.ts'
import { openEventStream } from '../support/event-stream.ts'
import { startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { startService } from '../support/replica.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

test('jobs that only the store knows, because the broker lost its log, can still be read, followed, retried and cancelled', async () => {
  const env = { HANDLERS_DIR, COOLDOWN_MS: '1000' }
  // Every start is an event of its own.
  await using hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true, env, jobEnv: { START_GRACE_MS: '0' } })
  // The old log is long, so that its sequences are larger than those of the new one.
  for (let n = 0; n < 30; n++) await makeJob(hasty, { type: 'moody' })
  const failed = await makeJob(hasty, { type: 'moody', payload: { bad_attempts: 1 } })
  const finished = await makeJob(hasty, { type: 'moody' })
  const scheduled = await makeJob(hasty, { type: 'moody', delay_ms: 3_600_000 })
  await untilJob(hasty, failed, { status: 'failed' })
  await untilJob(hasty, finished, { status: 'finished' })
  await vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/stats`)
      expect(body['by_status']).toMatchObject({ finished: 31, failed: 1, scheduled: 1 })
    },
    { timeout: 20_000 },
  )

  const before = (await getFrom(`${hasty.url}/v1/events?limit=1000`)).body['last_event_id'] as number
  for (const worker of hasty.job) await worker.stop()
  await hasty.nats.kill('SIGKILL')
  await rm(join(hasty.dir, 'nats', 'data'), { recursive: true, force: true })
  await hasty.nats.restart()
  const setup = await startService('job/setup.ts', { NATS_URL: hasty.nats.url, ...env }, join(hasty.dir, 'setup-2.log'))
  expect((await setup.exited).code).toBe(0)
  await hasty.addJob()
  // The projection has noticed the new log, and the apis know the types.
  const after = await vi.waitFor(() => makeJob(hasty, { type: 'moody' }), { timeout: 20_000, interval: 200 })
  await untilJob(hasty, after, { status: 'finished' })
  await vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/jobs?status=finished&limit=1`)
      expect(body['items']).toMatchObject([{ job_id: after }])
    },
    { timeout: 20_000 },
  )

  expect((await getFrom(`${hasty.url}/v1/events?limit=1000`)).body['last_event_id']).toBeLessThan(before)
  expect(await readJob(hasty, failed)).toMatchObject({ status: 'failed', round: 1 })
  await using old = await openEventStream(`${hasty.url}/v1/jobs/${finished}/events`)
  await old.ended
  expect(old.events.map(({ event }) => event)).toEqual(['job:created', 'job:started', 'job:finished'])
  expect(await send('POST', `${hasty.url}/v1/jobs/${failed}/retry`)).toMatchObject({
    status: 202,
    body: { status: 'processing', round: 2 },
  })
  expect(await untilJob(hasty, failed, { status: 'finished' })).toMatchObject({ round: 2, result: { attempt: 2 } })
  expect(await send('DELETE', `${hasty.url}/v1/jobs/${scheduled}`)).toMatchObject({ status: 200 })
  await untilJob(hasty, scheduled, { status: 'cancelled' })
  await vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/jobs?type=moody&limit=200`)
      const items = body['items'] as { job_id: string; status: string }[]
      expect(items.find(({ job_id }) => job_id === failed)).toMatchObject({ status: 'finished' })
      expect(items.find(({ job_id }) => job_id === scheduled)).toMatchObject({ status: 'cancelled' })
    },
    { timeout: 20_000 },
  )
}, 60_000)
