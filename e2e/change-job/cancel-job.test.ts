import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { isTerminalEvent, type JobEventName } from '#shared/contracts/log/subjects.ts'
import { type ApiAnswer, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'
import { connectTest, historiesOf, readLog } from '../support/read-log.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let hasty: Hasty
const cancel = (jobId: string, reason?: string) =>
  send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`, reason === undefined ? undefined : { reason })

describe('with no worker', () => {
  beforeAll(async () => {
    hasty = await startInProcess({ apis: 2, jobs: 0, nginx: true, env: { HANDLERS_DIR } })
  })
  afterAll(() => hasty.stop())

  test('a cancelled job that waits or has a time to come never starts', async () => {
    const waiting = await makeJob(hasty, { type: 'moody' })
    const scheduled = await makeJob(hasty, { type: 'moody', delay_ms: 500 })
    expect(await cancel(waiting, 'ordered twice')).toMatchObject({
      status: 200,
      body: { job_id: waiting, status: 'cancelled', reason: 'requested', error: { message: 'ordered twice' } },
    })
    expect(await send('DELETE', `${hasty.url}/${scheduled}`)).toMatchObject({
      status: 200,
      body: { status: 'cancelled', reason: 'requested', error: null, due_at: null },
    })
    const later = await makeJob(hasty, { type: 'moody', delay_ms: 800 })
    await hasty.addJob()
    await untilJob(hasty, later, { status: 'finished' })
    for (const jobId of [waiting, scheduled]) {
      expect(await readJob(hasty, jobId)).toMatchObject({ status: 'cancelled', attempts: [], started_at: null })
    }
  })
})

describe('with two workers', () => {
  beforeAll(async () => {
    hasty = await startInProcess({ apis: 2, jobs: 2, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '4' } })
  })
  afterAll(() => hasty.stop())

  test('a running job gets its signal on whichever worker it runs', async () => {
    const files = Array.from({ length: 6 }, (_, n) => join(hasty.dir, `aborted-${n}.json`))
    const jobs = await Promise.all(files.map((file) => makeJob(hasty, { type: 'abortable', payload: { file } })))
    const running = await Promise.all(jobs.map((jobId) => untilRunning(hasty, jobId)))
    expect(new Set(running.map(({ attempts }) => attempts[0]?.worker_id)).size).toBe(2)
    for (const answer of await Promise.all(jobs.map((jobId) => cancel(jobId)))) expect(answer.status).toBe(200)
    for (const file of files) {
      const aborted = await vi.waitFor(async () => JSON.parse(await readFile(file, 'utf8')) as { why: string }, {
        timeout: 5_000,
      })
      expect(aborted.why).toContain('ended-elsewhere')
    }
    for (const jobId of jobs) {
      expect(await readJob(hasty, jobId)).toMatchObject({
        status: 'cancelled',
        reason: 'requested',
        attempts: [{ attempt: 1, outcome: 'cancelled' }],
      })
    }
    await untilJob(hasty, await makeJob(hasty, { type: 'moody' }), { status: 'finished' })
  })

  test('a job that ended cannot be cancelled, and its state is told', async () => {
    const jobId = await makeJob(hasty, { type: 'moody' })
    await untilJob(hasty, jobId, { status: 'finished' })
    expect(await send('DELETE', `${hasty.url}/v1/jobs/${jobId}`)).toMatchObject({
      status: 409,
      body: { code: 'wrong-state', job: { job_id: jobId, status: 'finished' } },
    })
    expect(await readJob(hasty, jobId)).toMatchObject({ status: 'finished' })
  })

  test('a cancel of no job, or with a bad body, changes nothing', async () => {
    const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 60_000 })
    expect(await send('DELETE', `${hasty.url}/nonsense`)).toMatchObject({
      status: 404,
      body: { code: 'job-not-found' },
    })
    const answer = await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`, { raeson: 'x' })
    expect(answer).toMatchObject({ status: 400, body: { code: 'unknown-member' } })
    expect(await readJob(hasty, jobId)).toMatchObject({ status: 'scheduled' })
  })

  test('of 300 races between two cancels and the start or end of a job each has one winner, and all are told', async () => {
    const before = await lastSeq()
    const verdicts: { jobId: string; answers: ApiAnswer[] }[] = []
    const race = async (n: number) => {
      const jobId = await makeJob(hasty, { type: 'moody', payload: { ms: n % 30 } })
      // A third of them at about their start, the others at about their end.
      if (n % 3 !== 0) await untilRunningOrOver(jobId)
      verdicts.push({ jobId, answers: await Promise.all([cancel(jobId), cancel(jobId)]) })
    }
    const lane = async (first: number) => {
      for (let n = first; n < 300; n += 6) await race(n)
    }
    await Promise.all(Array.from({ length: 6 }, (_, first) => lane(first)))
    const ends = await terminalEvents(before)
    let cancelled = 0
    for (const { jobId, answers } of verdicts) {
      expect(ends.get(jobId)).toHaveLength(1)
      const job = await readJob(hasty, jobId)
      const won = answers.filter(({ status }) => status === 200)
      expect(won).toHaveLength(job.status === 'cancelled' ? 1 : 0)
      cancelled += won.length
      for (const { status, body } of answers) {
        if (status !== 200)
          expect({ status, body }).toMatchObject({ status: 409, body: { job: { status: job.status } } })
      }
    }
    expect(cancelled).toBeGreaterThan(0)
    expect(cancelled).toBeLessThan(300)
  })
})

const untilRunningOrOver = (jobId: string): Promise<JobView> =>
  vi.waitFor(
    async () => {
      const job = await readJob(hasty, jobId)
      expect(job.started_at).not.toBeNull()
      return job
    },
    { timeout: 20_000, interval: 5 },
  )

async function lastSeq(): Promise<number> {
  const nc = await connectTest(hasty.nats.url)
  try {
    return (await readLog(nc)).at(-1)?.seq ?? 0
  } finally {
    await nc.close()
  }
}

async function terminalEvents(afterSeq: number): Promise<Map<string, JobEventName[]>> {
  const nc = await connectTest(hasty.nats.url)
  try {
    const histories = historiesOf(await readLog(nc, afterSeq + 1))
    const names = (entries: { event: { event: JobEventName } }[]) =>
      entries.map(({ event }) => event.event).filter(isTerminalEvent)
    return new Map([...histories].map(([jobId, entries]) => [jobId, names(entries)]))
  } finally {
    await nc.close()
  }
}
