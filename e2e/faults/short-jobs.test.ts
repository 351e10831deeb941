import { describe, expect, test, vi } from 'vitest'
import type { Job } from '#shared/contracts/log/job.ts'
import { send } from '../support/call.ts'
import { checkInvariants } from '../support/check-invariants.ts'
import { type FaultRun, startFaultRun } from '../support/fault-run.ts'
import { lasts } from '../support/lasts.ts'

// Short jobs run before anything says so in the log. With so long a grace nearly every job of these runs does, and every
// fault meets some in that state.

const UNTIL = { timeout: 60_000, interval: 200 }
/** More jobs than make a type known for short ones. */
const WARM = 60

const startShortRun = () =>
  startFaultRun({
    perSecond: 50,
    env: { START_GRACE_MS: '10000', JOB_SLOTS: '20' },
    request: (n) => ({
      object_id: `object-${n}`,
      type: 'effect',
      payload: { ms: n % 9 === 0 ? 250 : 10, failures: n % 12 === 11 ? 1 : 0 },
      timeout_ms: 20_000,
    }),
  })

/** Whether a job's first attempt began on its delivery alone. */
const wasStartedByDelivery = ({ events }: Job): boolean => events[1]?.started_at !== undefined

/** Ends a run: every invariant holds, everything has finished, and many jobs had no `job:started`. */
async function settleWell(run: FaultRun): Promise<Job[]> {
  const evidence = await run.settle()
  expect(checkInvariants(evidence)).toEqual([])
  const jobs = [...evidence.stored.values()]
  expect(jobs.filter(({ phase }) => phase !== 'finished')).toEqual([])
  // After each restart of the broker, and after each change of lanes, what waits already does not count among them.
  expect(jobs.filter(wasStartedByDelivery).length).toBeGreaterThan(20)
  return jobs
}

describe.concurrent('short jobs', () => {
  test('while workers are killed again and again: what they ran runs elsewhere', async () => {
    await using run = await startShortRun()
    await run.acceptedReach(WARM)
    // Twice: a job whose workers have died three times fails.
    for (const round of [0, 1]) {
      await run.acceptedReach(run.load.accepted.length + 60)
      const victim = run.hasty.job[round % 2]
      victim?.kill('SIGKILL')
      await victim?.exited()
      await victim?.restart()
    }
    await run.acceptedReach(run.load.accepted.length + 60)
    await settleWell(run)
  })

  test('while a worker is frozen past its lease: what it says after it was woken is refused', async () => {
    await using run = await startShortRun()
    await run.acceptedReach(WARM)
    const [zombie] = run.hasty.job
    for (let round = 1; round <= 2; round++) {
      await run.acceptedReach(run.load.accepted.length + 60)
      zombie?.kill('SIGSTOP')
      await lasts(3_000, 'a lease runs out')
      zombie?.kill('SIGCONT')
    }
    await run.acceptedReach(run.load.accepted.length + 60)
    await settleWell(run)
  })

  test('while the broker is killed, and frozen: none is lost, none ends twice', async () => {
    await using run = await startShortRun()
    await run.acceptedReach(WARM)
    for (let round = 1; round <= 3; round++) {
      await run.acceptedReach(run.load.accepted.length + 60)
      await run.hasty.nats.kill('SIGKILL')
      await run.hasty.nats.restart()
      await run.acceptedReach(run.load.accepted.length + 60)
      await run.hasty.nats.kill('SIGSTOP')
      await lasts(3_000, 'a lease runs out at a broker that stands still')
      await run.hasty.nats.kill('SIGCONT')
    }
    // After a restart the type is known for its short jobs again only when some of them have run.
    await run.acceptedReach(run.load.accepted.length + 3 * WARM)
    await settleWell(run)
  })

  test('while their lanes are replaced again and again: each runs once', async () => {
    await using run = await startShortRun()
    await run.acceptedReach(WARM)
    for (const concurrency of [10, null, 15, null, 8, null]) {
      await run.acceptedReach(run.load.accepted.length + 40)
      const path = `${run.hasty.url}/v1/types/effect`
      await vi.waitFor(
        async () => expect(await send('PATCH', path, { concurrency })).toMatchObject({ status: 200 }),
        UNTIL,
      )
    }
    await run.acceptedReach(run.load.accepted.length + 60)
    const jobs = await settleWell(run)
    expect(run.sink.effects.map(({ job_id }) => job_id).toSorted()).toEqual(jobs.map(({ job_id }) => job_id).toSorted())
  })
})
