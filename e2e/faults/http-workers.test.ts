import { describe, expect, test } from 'vitest'
import type { Job } from '#shared/contracts/log/job.ts'
import { checkInvariants } from '../support/check-invariants.ts'
import { type FaultRun, startFaultRun } from '../support/fault-run.ts'
import { type HttpWorkerProcesses, LENT_TYPE, registerLent, startHttpWorkers } from '../support/http-workers.ts'
import { lasts } from '../support/lasts.ts'

// Workers over plain HTTP, the job services that lend to them, and the broker are killed and frozen: no job is lost, none
// ends twice, and each effect carries the token of its start.

interface LentRun extends AsyncDisposable {
  run: FaultRun
  workers: HttpWorkerProcesses
}

interface Options {
  leaseS: number
  each: number
  jobs?: number
  processes?: number
  perSecond?: number
}

async function startLentRun({ leaseS, each, jobs = 2, processes = 4, perSecond = 30 }: Options): Promise<LentRun> {
  const stack = new AsyncDisposableStack()
  const run = stack.use(
    await startFaultRun({
      jobs,
      perSecond,
      env: { LEASE_MS: '4000' },
      prepare: (hasty) => registerLent(hasty),
      request: (n) => ({
        object_id: `object-${n}`,
        type: LENT_TYPE,
        payload: { ms: n % 7 === 0 ? 1_500 : 20 + (n % 5) * 40, failures: n % 9 === 8 ? 1 : 0 },
      }),
    }),
  )
  const workers = stack.use(startHttpWorkers(run.hasty, run.sink, { processes, each, leaseS }))
  return { run, workers, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const moreAccepted = (run: FaultRun, count: number) => run.acceptedReach(run.load.accepted.length + count)

async function settleWell(run: FaultRun): Promise<Job[]> {
  const evidence = await run.settle()
  expect(checkInvariants(evidence)).toEqual([])
  const jobs = [...evidence.stored.values()]
  expect(jobs.filter(({ phase }) => phase !== 'finished')).toEqual([])
  expect(jobs.length).toBeGreaterThan(100)
  return jobs
}

const crashedAttempts = (jobs: Job[]): number =>
  jobs.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome === 'crashed').length

// One after the other: three of them at once, of a dozen processes each, took half as long again on two cores.
describe('HTTP workers', () => {
  test('killed, and frozen past their leases: their jobs run elsewhere, and what they say after that is refused', async () => {
    await using lent = await startLentRun({ leaseS: 5, each: 4 })
    const { run, workers } = lent
    for (let round = 0; round < 2; round++) {
      await moreAccepted(run, 60)
      workers.processes[0]?.kill('SIGKILL')
      workers.replace(0)
      const frozen = workers.processes[1]
      frozen?.kill('SIGSTOP')
      await lasts(8_000, 'a lease runs out, and its job starts elsewhere')
      frozen?.kill('SIGCONT')
    }
    await moreAccepted(run, 60)
    expect(crashedAttempts(await settleWell(run))).toBeGreaterThan(0)
  })

  test('the job services that lend are restarted and killed by turns: no attempt is spent while the leases live', async () => {
    await using lent = await startLentRun({ leaseS: 60, each: 4, jobs: 3 })
    const { run } = lent
    for (const [round, signal] of (['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL'] as const).entries()) {
      await moreAccepted(run, 50)
      const lender = run.hasty.job[round % 3]
      lender?.kill(signal)
      await lender?.exited()
      await moreAccepted(run, 20)
      await lender?.restart()
    }
    await moreAccepted(run, 60)
    const jobs = await settleWell(run)
    expect(crashedAttempts(jobs)).toBe(0)
  })

  test('the broker is killed, and frozen: none is lost, none ends twice', async () => {
    await using lent = await startLentRun({ leaseS: 15, each: 4 })
    const { run } = lent
    for (let round = 0; round < 2; round++) {
      await moreAccepted(run, 50)
      await run.hasty.nats.kill('SIGKILL')
      await run.hasty.nats.restart()
      await moreAccepted(run, 50)
      await run.hasty.nats.kill('SIGSTOP')
      await lasts(5_000, 'the broker stands still for longer than it waits for a renewal')
      await run.hasty.nats.kill('SIGCONT')
    }
    await moreAccepted(run, 60)
    await settleWell(run)
  })
})

test('fifty HTTP workers and five lenders, killed and frozen at random: every invariant holds', async () => {
  await using lent = await startLentRun({ leaseS: 5, each: 10, processes: 5, jobs: 5, perSecond: 60 })
  const { run, workers } = lent
  for (let round = 0; round < 8; round++) {
    await moreAccepted(run, 60)
    const n = Math.floor(Math.random() * 5)
    if (round % 2 === 0) {
      workers.processes[n]?.kill('SIGKILL')
      workers.replace(n)
    } else {
      const lender = run.hasty.job[n]
      lender?.kill(round % 4 === 1 ? 'SIGKILL' : 'SIGTERM')
      await lender?.exited()
      await lender?.restart()
    }
  }
  await moreAccepted(run, 60)
  await settleWell(run)
})
