// The workers of sdk/ in each language, as processes, against a real Hasty: what sdk/conformance/scenarios.json says,
// through a network that loses answers, and while the workers are killed, frozen and stopped.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { LANGUAGES, makeBuildDir } from './languages.ts'
import { expectAsDescribed, hasEnded, outcomesOf, SCENARIOS, type Scenario } from './scenarios.ts'
import { startWorker } from './start-worker.ts'

const WITHIN = { timeout: 120_000, interval: 100 }

let hasty: Hasty
let build: Awaited<ReturnType<typeof makeBuildDir>>

beforeAll(async () => {
  build = await makeBuildDir()
  hasty = await startInProcess()
})
afterAll(async () => {
  await hasty?.stop()
  await build?.[Symbol.asyncDispose]()
})

async function newType(policy: Record<string, unknown> = {}): Promise<string> {
  const type = `c-${randomUUID()}`
  const body = { runner: 'http', policy: { ...SCENARIOS.policy, ...policy } }
  const answer = await send('PUT', `${hasty.url}/v1/types/${type}`, body)
  expect(answer).toMatchObject({ status: 201 })
  return type
}

const untilEnded = (jobId: string): Promise<JobView> =>
  vi.waitFor(async () => {
    const job = await readJob(hasty, jobId)
    expect(hasEnded(job)).toBe(true)
    return job
  }, WITHIN)

/** A job that has started may still be on its way to the worker: its progress shows that the handler works. */
const untilAtWork = (jobId: string): Promise<JobView> =>
  untilJob(hasty, jobId, { progress: expect.objectContaining({ percent: 1 }) as JobView['progress'] })

async function playOut(type: string, scenario: Scenario, jobsMax: number): Promise<void> {
  const jobIds = await Promise.all(
    Array.from({ length: Math.min(scenario.count ?? 1, jobsMax) }, () => makeJob(hasty, { type, ...scenario.job })),
  )
  for (const jobId of jobIds) {
    if (scenario.cancel_when_running === true) {
      await untilRunning(hasty, jobId)
      expect(await postTo(`${hasty.url}/v1/jobs/${jobId}/cancel`, {})).toMatchObject({ status: 200 })
    }
    expectAsDescribed(await untilEnded(jobId), scenario)
  }
}

for (const language of LANGUAGES) {
  const { name, missing, releases, concurrency, jobsMax, prepare } = language
  const { leaseS = SCENARIOS.lease_s, timeoutMs = SCENARIOS.policy.timeout_ms } = language
  const reason = missing === '' ? '' : ` (not run: no ${missing} here)`
  // They wait most of the time, each with a type of its own.
  describe(`the worker in ${name}${reason}`, { skip: missing !== '', concurrent: true }, () => {
    let command: [string, ...string[]]
    beforeAll(async () => {
      command = await prepare(build.path)
    })

    const start = (type: string, env: Record<string, string> = {}) =>
      startWorker(command, {
        HASTY_URL: hasty.url,
        HASTY_TYPE: type,
        LEASE_S: String(SCENARIOS.lease_s),
        CONCURRENCY: '4',
        ...env,
      })

    test('does what the scenarios say', async () => {
      const type = await newType({ timeout_ms: timeoutMs })
      await using _ = start(type, {
        CONCURRENCY: concurrency,
        LEASE_S: String(leaseS),
        // Progress goes along, as soon as the scenarios expect it.
        BEAT_S: String(SCENARIOS.lease_s / 3),
      })
      await Promise.all(SCENARIOS.scenarios.map((scenario) => playOut(type, scenario, jobsMax)))
    })

    test('loses no attempt while every fourth answer is lost', async () => {
      const type = await newType()
      await using proxy = await startFaultProxy(hasty.url, 4)
      // Each lost answer costs a wait: a busy machine must not make a lease run out over them.
      await using _ = start(type, { HASTY_URL: proxy.url, LEASE_S: '30' })
      const payload = { attempts: [{ do: 'sleep', ms: 50, result: 'done' }] }
      const jobIds = await Promise.all(
        Array.from({ length: Math.min(24, jobsMax) }, () => makeJob(hasty, { type, payload })),
      )
      for (const jobId of jobIds) {
        const job = await untilEnded(jobId)
        expect([job.status, job.result, outcomesOf(job)]).toEqual(['finished', 'done', ['finished']])
      }
      expect(proxy.cut).toBeGreaterThan(1)
    })

    test('may be killed: its jobs run elsewhere, and the attempt counts as a crash', async () => {
      const type = await newType()
      const endless = { do: 'progress', percent: 1, ms: 60_000 }
      const payload = { attempts: [endless, { do: 'complete', result: 'elsewhere' }] }
      const jobId = await makeJob(hasty, { type, payload })
      await using first = start(type)
      await untilAtWork(jobId)
      first.kill('SIGKILL')
      await using _ = start(type)
      const job = await untilEnded(jobId)
      expect([job.result, outcomesOf(job)]).toEqual(['elsewhere', ['crashed', 'finished']])
    })

    test('may freeze for longer than its lease: what it says afterwards changes nothing', async () => {
      const type = await newType()
      const slow = { do: 'progress', percent: 1, ms: 4_000, result: 'too late' }
      const jobId = await makeJob(hasty, { type, payload: { attempts: [slow, { do: 'sleep', ms: 5_000 }] } })
      await using first = start(type)
      await untilAtWork(jobId)
      first.kill('SIGSTOP')
      // A busy machine must not make the lease of the second one run out too.
      await using _ = start(type, { LEASE_S: '20' })
      await vi.waitFor(async () => expect((await readJob(hasty, jobId)).attempts).toHaveLength(2), WITHIN)
      first.kill('SIGCONT')
      const job = await untilEnded(jobId)
      expect([job.result, outcomesOf(job)]).toEqual([null, ['crashed', 'finished']])
    })

    test('ends with 0 on SIGTERM, after the job that runs', async () => {
      const type = await newType()
      const payload = { attempts: [{ do: 'progress', percent: 1, ms: 2_500, result: 1 }] }
      const jobId = await makeJob(hasty, { type, payload })
      await using worker = start(type)
      await untilAtWork(jobId)
      worker.kill('SIGTERM')
      expect(await worker.exited()).toBe(0)
      const job = await untilJob(hasty, jobId, { status: 'finished', result: 1 })
      expect(outcomesOf(job)).toEqual(['finished'])
    })

    test.skipIf(!releases)('hands back what still runs at the end of its drain', async () => {
      const type = await newType()
      const payload = { attempts: [{ do: 'progress', percent: 1, ms: 3_000, result: 1 }] }
      const jobId = await makeJob(hasty, { type, payload })
      await using first = start(type, { DRAIN_S: '1' })
      await untilAtWork(jobId)
      first.kill('SIGTERM')
      await using _ = start(type)
      expect(await first.exited()).toBe(0)
      const job = await untilEnded(jobId)
      expect([job.result, outcomesOf(job)]).toEqual([1, ['released', 'finished']])
    })
  })
}
