import { describe, expect, test, vi } from 'vitest'
import type { Job } from '#shared/contracts/log/job.ts'
import { waitUntil } from '../../scripts/servers/wait-until.ts'
import { send } from '../support/call.ts'
import { checkInvariants } from '../support/check-invariants.ts'
import { type FaultRun, startFaultRun } from '../support/fault-run.ts'
import { lasts } from '../support/lasts.ts'
import { historiesOf } from '../support/read-log.ts'

// Short jobs run before anything says so in the log. With so long a grace nearly every job of these runs does, and every
// fault meets some in that state.

const UNTIL = { timeout: 60_000, interval: 200 }
/** How many jobs must have begun on their delivery alone before the first fault, and again after the last one. */
const SHORT = 20

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

/** How many first attempts began on their delivery alone, as the log says now. */
async function shortStarts(run: FaultRun): Promise<number> {
  const histories = [...historiesOf(await run.log()).values()]
  return histories.filter(([, second]) => second && 'started_at' in second.event && second.event.started_at).length
}

/**
 * Waits under load until more attempts began on their delivery alone: after each restart of the broker, and after each
 * change of lanes, the jobs that wait already never do, and a slow machine has many of those.
 */
async function moreShortStarts(run: FaultRun): Promise<void> {
  const before = await shortStarts(run)
  await waitUntil(async () => (await shortStarts(run)) > before + SHORT, {
    what: `${SHORT} more short jobs that began on their delivery alone`,
    timeoutMs: 120_000,
    everyMs: 500,
  })
}

/** Ends a run: every invariant holds, and everything has finished. */
async function settleWell(run: FaultRun): Promise<Job[]> {
  await moreShortStarts(run)
  const evidence = await run.settle()
  expect(checkInvariants(evidence)).toEqual([])
  const jobs = [...evidence.stored.values()]
  expect(jobs.filter(({ phase }) => phase !== 'finished')).toEqual([])
  return jobs
}

describe.concurrent('short jobs', () => {
  test('while workers are killed again and again: what they ran runs elsewhere', async () => {
    await using run = await startShortRun()
    await moreShortStarts(run)
    // Twice: a job whose workers have died three times fails.
    for (const round of [0, 1]) {
      await run.acceptedReach(run.load.accepted.length + 60)
      const victim = run.hasty.job[round % 2]
      victim?.kill('SIGKILL')
      await victim?.exited()
      await victim?.restart()
    }
    await settleWell(run)
  })

  test('while a worker is frozen past its lease: what it says after it was woken is refused', async () => {
    await using run = await startShortRun()
    await moreShortStarts(run)
    const [zombie] = run.hasty.job
    for (let round = 1; round <= 2; round++) {
      await run.acceptedReach(run.load.accepted.length + 60)
      zombie?.kill('SIGSTOP')
      await lasts(3_000, 'a lease runs out')
      zombie?.kill('SIGCONT')
    }
    await settleWell(run)
  })

  test('while the broker is killed, and frozen: none is lost, none ends twice', async () => {
    await using run = await startShortRun()
    await moreShortStarts(run)
    for (let round = 1; round <= 3; round++) {
      await run.acceptedReach(run.load.accepted.length + 60)
      await run.hasty.nats.kill('SIGKILL')
      await run.hasty.nats.restart()
      await run.acceptedReach(run.load.accepted.length + 60)
      await run.hasty.nats.kill('SIGSTOP')
      await lasts(3_000, 'a lease runs out at a broker that stands still')
      await run.hasty.nats.kill('SIGCONT')
    }
    await settleWell(run)
  })

  test('while their lanes are replaced again and again: each runs once', async () => {
    await using run = await startShortRun()
    await moreShortStarts(run)
    for (const concurrency of [10, null, 15, null, 8, null]) {
      await run.acceptedReach(run.load.accepted.length + 40)
      const path = `${run.hasty.url}/v1/types/effect`
      await vi.waitFor(
        async () => expect(await send('PATCH', path, { concurrency })).toMatchObject({ status: 200 }),
        UNTIL,
      )
    }
    const jobs = await settleWell(run)
    expect((await run.sink.effects()).map(({ job_id }) => job_id).toSorted()).toEqual(
      jobs.map(({ job_id }) => job_id).toSorted(),
    )
  })
})
