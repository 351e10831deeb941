import { describe, expect, test } from 'vitest'
import { checkInvariants } from '../support/check-invariants.ts'
import { startFaultRun, startsOf } from '../support/fault-run.ts'
import { lasts } from '../support/lasts.ts'
import { historiesOf, startIn } from '../support/read-log.ts'

describe.concurrent('the broker', () => {
  test('away for 12 s with a lease of 10 s: of hundreds of jobs in flight none runs twice, none counts as a crash', async () => {
    await using run = await startFaultRun({
      total: 300,
      perSecond: 100,
      env: { LEASE_MS: '10000', JOB_SLOTS: '200' },
      // Some jobs end while the broker is away, so that their outcome waits for it beyond their own deadline; some end
      // after. A deadline is far from the end of the pause: an attempt that is late times out, rightly, and runs again.
      request: (n) =>
        n % 2 === 0
          ? { object_id: `object-${n}`, type: 'effect', payload: { ms: 3_000 }, timeout_ms: 9_000 }
          : { object_id: `object-${n}`, type: 'effect', payload: { ms: 16_500 } },
    })
    await run.acceptedReach(200)
    await run.hasty.nats.kill('SIGKILL')
    await lasts(12_000, 'the broker is away for longer than a lease')
    await run.hasty.nats.restart()
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    expect(evidence.stored.size).toBeGreaterThanOrEqual(200)
    // Named by the histories of their jobs, because an attempt that timed out and one that ran twice are different faults.
    const again = startsOf(evidence.log).flatMap(({ attempt, job_id }) => (attempt > 1 ? [job_id] : []))
    const histories = historiesOf(evidence.log)
    expect(again.map((id) => histories.get(id)?.map(({ event }) => event))).toEqual([])
    expect([...evidence.stored.values()].filter(({ phase }) => phase !== 'finished')).toEqual([])
  })

  test('killed again and again under load, with jobs that are tried again: each attempt is started once', async () => {
    await using run = await startFaultRun({
      request: (n) => ({ object_id: `object-${n}`, type: 'effect', payload: { ms: 50, failures: n % 4 } }),
    })
    for (let round = 1; round <= 5; round++) {
      await run.acceptedReach(run.load.accepted.length + 60)
      await run.hasty.nats.kill('SIGKILL')
      await run.hasty.nats.restart()
    }
    await run.acceptedReach(run.load.accepted.length + 60)
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    for (const history of historiesOf(evidence.log).values()) {
      const first = history[0]?.event
      const { failures } = first?.event === 'job:created' ? (first.payload as { failures: number }) : { failures: -1 }
      const attempts = history.flatMap(({ event }) => startIn(event)?.attempt ?? [])
      expect(attempts).toEqual(Array.from({ length: failures + 1 }, (_, i) => i + 1))
      expect(history.at(-1)?.event.event).toBe('job:finished')
    }
  })

  test('frozen for 5 s under load: unanswered posts are repeated, never doubled', async () => {
    await using run = await startFaultRun()
    await run.acceptedReach(80)
    for (let round = 1; round <= 2; round++) {
      await run.hasty.nats.kill('SIGSTOP')
      await lasts(5_000, 'the broker stands still for longer than an accept may take')
      await run.hasty.nats.kill('SIGCONT')
      await run.acceptedReach(run.load.accepted.length + 60)
    }
    expect(checkInvariants(await run.settle())).toEqual([])
  })
})
