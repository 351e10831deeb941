import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { postTo } from '../support/call.ts'
import { startMixed } from '../support/hasty.ts'
import { findOwner } from '../support/projection-owner.ts'
import { connectTest, readLog } from '../support/read-log.ts'
import { startReceiver } from './receiver.ts'

const JOBS = 100
const KILLS = 3
const secret = `whsec_${randomBytes(32).toString('base64')}`

test('each end is told although the replica that applies the log is killed, and has exactly one callback job', async () => {
  await using receiver = await startReceiver(secret)
  await using hasty = await startMixed(['keeper'], {
    apis: 2,
    keepers: 2,
    env: { OUTBOUND_TRUSTED_HOSTS: receiver.host, COOLDOWN_MS: '0' },
    jobEnv: { WEBHOOK_SECRET: secret, JOB_SLOTS: '20' },
  })
  const jobIds = new Set<string>()
  const postAll = async () => {
    for (let i = 0; i < JOBS; i++) {
      const body = { object_id: `o${i}`, payload: { ms: 1 + (i % 7) * 30 }, callback_url: `http://${receiver.host}/` }
      const { status, body: job } = await postTo(hasty.api[i % hasty.api.length]?.url ?? '', body)
      expect(status).toBe(201)
      jobIds.add(String(job.job_id))
      if (i % 4 === 0)
        await vi.waitFor(() => expect(receiver.delivered.length).toBeGreaterThan(i / 4), { timeout: 20_000 })
    }
  }
  const kill = async () => {
    for (let n = 1; n <= KILLS; n++) {
      await vi.waitFor(() => expect(receiver.delivered.length).toBeGreaterThanOrEqual(n * 15), { timeout: 60_000 })
      const owner = await findOwner(hasty)
      owner.kill('SIGKILL')
      await owner.exited()
      await owner.restart()
    }
  }
  await Promise.all([postAll(), kill()])

  const nc = await connectTest(hasty.nats.url)
  await using _ = { [Symbol.asyncDispose]: () => nc.close() }
  const createdOf = async (type: string) =>
    (await readLog(nc)).filter(({ subject }) => subject.startsWith(`job:created.${type}.`)).map(({ event }) => event)
  const jobs = (await createdOf('sleep')).map((event) => String(event?.job_id))
  for (const jobId of jobIds) expect(jobs).toContain(jobId)
  const told = () => [...new Set(receiver.delivered.map(({ webhookId }) => webhookId))].toSorted()
  await vi.waitFor(() => expect(told()).toEqual(jobs.map((jobId) => `msg_${jobId}_1`).toSorted()), {
    timeout: 60_000,
    interval: 100,
  })
  expect(receiver.refused).toEqual([])
  const callbacks = (await createdOf('callback')).map((event) => String(event?.object_id))
  expect(callbacks.toSorted()).toEqual(jobs.map((jobId) => `callback:${jobId}:1`).toSorted())
})
