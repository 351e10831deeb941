import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, test } from 'vitest'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { checkInvariants } from '../support/check-invariants.ts'
import { type FaultRun, mixedRequest, startFaultRun, startsOf } from '../support/fault-run.ts'
import { startLogKeeper } from '../support/log-keeper.ts'
import { historiesOf } from '../support/read-log.ts'

async function firstSeq(run: FaultRun): Promise<number> {
  const manager = await jetstreamManager(run.nats, { checkAPI: false })
  return (await manager.streams.info(JOBS_STREAM)).state.first_seq
}

describe.concurrent('the whole system', () => {
  test('stopped gently under load and started again: nothing is lost and no attempt is spent', async () => {
    await using run = await startFaultRun({ env: { DRAIN_MS: '300' } })
    for (let round = 1; round <= 2; round++) {
      await run.acceptedReach(run.load.accepted.length + 100)
      const services = [...run.hasty.job, ...run.hasty.keeper, ...run.hasty.api]
      for (const service of services) service.kill('SIGTERM')
      const exits = await Promise.all(services.map((service) => service.exited()))
      expect(exits).toEqual(services.map(() => ({ code: 0, signal: null })))
      await run.hasty.nats.restart()
      await Promise.all(services.map((service) => service.restart()))
    }
    await run.acceptedReach(run.load.accepted.length + 60)
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])

    const released = evidence.log.filter(({ event }) => event?.event === 'job:released')
    expect(released.length).toBeGreaterThan(0)
    expect([...evidence.stored.values()].filter(({ crashes }) => crashes > 0)).toEqual([])
    for (const history of historiesOf(evidence.log).values()) {
      const failures = history.filter(({ event }) => event.event === 'job:retrying').length
      expect(startsOf(history).at(-1)?.attempt).toBe(failures + 1)
    }
  })

  test('kept going while its log is trimmed every half second: all jobs end, however long they wait or run', async () => {
    await using run = await startFaultRun({
      total: 300,
      env: { LOG_RETENTION_MS: '2000', COOLDOWN_MS: '2000', HOUSEKEEPING_MS: '500', LEASE_MS: '2000' },
      request: (n) => {
        if (n % 30 === 1) return { object_id: `patient-${n}`, type: 'patient' }
        if (n % 30 === 2) return { object_id: `long-${n}`, type: 'effect', payload: { ms: 6_000 } }
        return mixedRequest(n)
      },
    })
    await using keeper = startLogKeeper(run.nats)
    await run.load.done
    const evidence = await run.settle(keeper.entries)
    expect(checkInvariants(evidence)).toEqual([])

    const trimmedTo = await firstSeq(run)
    const [first] = evidence.log
    expect(trimmedTo).toBeGreaterThan((first?.seq ?? 0) + 500)
    // A delayed job's last event is renewed, so that it does not hold the log: a few times, not at every look.
    for (const history of historiesOf(evidence.log).values()) {
      expect(history.filter(({ event }) => event.event === 'job:retrying').length).toBeLessThan(12)
    }
  })
})
