import { describe, expect, test, vi } from 'vitest'
import { checkInvariants } from '../support/check-invariants.ts'
import { startFaultRun, startsOf } from '../support/fault-run.ts'
import { postJob } from '../support/load.ts'
import { sumOfMetric } from '../support/metrics.ts'
import { historiesOf } from '../support/read-log.ts'

/** A job that finds no place for an isolated attempt may kill a second worker (start-attempt.ts). */
const AS_MANY_SLOTS_AS_PLACES = { JOB_SLOTS: '4' }
const UNTIL = { timeout: 60_000, interval: 200 }

// Alone: it measures time, and the children that run its jobs again want both cores.
test('a worker killed in the middle of jobs, with the lease as it ships: they run elsewhere within 15 s, as attempt 2', async () => {
  await using run = await startFaultRun({
    total: 100,
    env: { LEASE_MS: '10000', JOB_SLOTS: '10' },
    request: (n) => ({ object_id: `object-${n}`, type: 'effect', payload: { ms: 400 } }),
  })
  await run.acceptedReach(30)
  const [victim] = run.hasty.job
  const { pid } = victim!
  victim?.kill('SIGKILL')
  const killedMs = Date.now()
  const evidence = await run.settle()
  expect(checkInvariants(evidence)).toEqual([])

  const again = startsOf(evidence.log).filter(({ attempt }) => attempt === 2)
  expect(again.length).toBeGreaterThan(0)
  const cut = startsOf(evidence.log).filter(({ worker_id, attempt, job_id }) => {
    return attempt === 1 && worker_id.includes(`-${pid}-`) && again.some((start) => start.job_id === job_id)
  })
  expect(cut).toHaveLength(again.length)
  const slowestMs = Math.max(...again.map(({ timeMs }) => timeMs)) - killedMs
  expect(slowestMs).toBeLessThan(15_000)
  for (const { job_id } of again) {
    expect(evidence.stored.get(job_id)?.attempts).toMatchObject([
      { attempt: 1, outcome: 'crashed' },
      { attempt: 2, outcome: 'finished' },
    ])
  }
})

describe.concurrent('a worker', () => {
  test('frozen past its lease and woken: its results are refused, and each job has one end', async () => {
    await using run = await startFaultRun({
      total: 200,
      // Longer than the worker can be frozen, so that its job continues where it stopped.
      request: (n) => ({ object_id: `object-${n}`, type: 'effect', payload: { ms: 300 }, timeout_ms: 120_000 }),
      env: { JOB_SLOTS: '8' },
    })
    await run.acceptedReach(60)
    const [zombie] = run.hasty.job
    zombie?.kill('SIGSTOP')
    // Its jobs have run elsewhere, to their end: anything that this worker still does comes too late.
    await vi.waitFor(async () => {
      const log = await run.log()
      const again = startsOf(log).filter(({ attempt }) => attempt === 2)
      expect(again.length).toBeGreaterThan(0)
      for (const { job_id } of again) expect(historiesOf(log).get(job_id)?.at(-1)?.event.event).toBe('job:finished')
    }, UNTIL)
    zombie?.kill('SIGCONT')
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    const refused = () => sumOfMetric(run.hasty.job.slice(0, 1), 'hasty_refused_outcomes_total')
    await vi.waitFor(async () => expect(await refused()).toBeGreaterThan(0), UNTIL)
    expect((await run.sink.effects()).filter(({ accepted }) => !accepted).length).toBeGreaterThan(0)
  })

  test('whose event loop a handler blocks past the lease keeps its jobs: one attempt each', async () => {
    await using run = await startFaultRun({
      total: 120,
      request: (n) =>
        n === 20
          ? { object_id: 'blocker', type: 'busy', payload: { ms: 6_000 } }
          : { object_id: `object-${n}`, type: 'effect', payload: { ms: 100 } },
    })
    await run.load.done
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    expect(startsOf(evidence.log).filter(({ attempt }) => attempt > 1)).toEqual([])
    expect([...evidence.stored.values()].every(({ phase }) => phase === 'finished')).toBe(true)
  })

  test('in which a handler never ends is killed after that job’s timeout; the job is cancelled, all others finish', async () => {
    await using run = await startFaultRun({
      total: 120,
      env: AS_MANY_SLOTS_AS_PLACES,
      request: (n) =>
        n === 20
          ? { object_id: 'endless', type: 'busy', payload: {}, timeout_ms: 1_500 }
          : { object_id: `object-${n}`, type: 'effect', payload: { ms: 100 } },
    })
    const died = await Promise.race(run.hasty.job.map(async (worker) => ({ worker, exit: await worker.exited() })))
    expect(died.exit.signal).toBe('SIGKILL')
    await died.worker.restart()
    await run.load.done
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    const jobs = [...evidence.stored.values()]
    const endless = jobs.find(({ object_id }) => object_id === 'endless')
    expect(endless).toMatchObject({ phase: 'cancelled', reason: 'timeout' })
    expect(endless?.attempts.map(({ outcome }) => outcome)).toEqual(['crashed', 'cancelled'])
    expect(jobs.filter(({ phase }) => phase !== 'finished')).toEqual([endless])
  })

  test('that a job kills three times over: the job fails as crashed, its neighbours finish', async () => {
    await using run = await startFaultRun({
      total: 120,
      env: AS_MANY_SLOTS_AS_PLACES,
      request: (n) =>
        n === 20
          ? { object_id: 'killer', type: 'killer' }
          : { object_id: `object-${n}`, type: 'effect', payload: { ms: 100 } },
    })
    const died = await Promise.race(run.hasty.job.map(async (worker) => ({ worker, exit: await worker.exited() })))
    expect(died.exit.code).toBe(13)
    await died.worker.restart()
    await run.load.done
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    const jobs = [...evidence.stored.values()]
    const killer = jobs.find(({ object_id }) => object_id === 'killer')
    expect(killer).toMatchObject({ phase: 'failed', reason: 'crashed' })
    expect(killer?.attempts.map(({ outcome }) => outcome)).toEqual(['crashed', 'crashed', 'crashed'])
    expect(jobs.filter(({ phase }) => phase !== 'finished')).toEqual([killer])
    expect(run.hasty.job.every(({ running }) => running)).toBe(true)
  })

  test('that comes late takes its share of the jobs that wait', async () => {
    await using run = await startFaultRun({
      jobs: 1,
      total: 200,
      perSecond: 200,
      env: { JOB_SLOTS: '4' },
      request: (n) => ({ object_id: `object-${n}`, type: 'effect', payload: { ms: 150 } }),
    })
    await run.acceptedReach(100)
    const late = await run.hasty.addJob()
    const readyMs = Date.now()
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    const since = startsOf(evidence.log).filter(({ timeMs }) => timeMs > readyMs)
    const itsOwn = since.filter(({ worker_id }) => worker_id.includes(`-${late.pid}-`))
    expect(since.length).toBeGreaterThan(40)
    expect(itsOwn.length / since.length).toBeGreaterThan(0.3)
    expect(historiesOf(evidence.log).size).toBe(200)
    expect((await postJob(run.hasty.url, { object_id: 'one more' })).outcome).toBe('accepted')
  })
})
