import { expect, test } from 'vitest'
import { connectBroker } from '#shared/bus/connection.ts'
import type { PublishResult } from '#shared/bus/publication.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Stream } from '#shared/bus/stream.ts'
import { LIVE_PREFIX, parseSubject } from '#shared/contracts/log/subjects.ts'
import { systemClock } from '#shared/time/clock.ts'
import { endPublication, silentLog } from '../support/bus.ts'
import { checkInvariants } from '../support/check-invariants.ts'
import { type FaultRun, startFaultRun } from '../support/fault-run.ts'
import { lasts } from '../support/lasts.ts'
import { historiesOf } from '../support/read-log.ts'

/**
 * Cancels every waiting retry shortly before, at, or shortly after the time of its timer, as the route of a cancel
 * would.
 */
async function cancelAroundDueTimes(run: FaultRun): Promise<{ results: Promise<PublishResult>[] } & AsyncDisposable> {
  const broker = await connectBroker({ url: run.hasty.nats.url, name: 'canceller', clock: systemClock, log: silentLog })
  const stream = new Stream(broker)
  const publisher = new Publisher({ broker, stream, clock: systemClock, maxInFlight: 1_000, groupCommit: false })
  const results: Promise<PublishResult>[] = []
  broker.nc.subscribe(`${LIVE_PREFIX}job:retrying.>`, {
    callback: (_error, message) => {
      const job = parseSubject(message.subject.slice(LIVE_PREFIX.length))
      if (job === null) return
      const { due_at } = message.json<{ due_at: string }>()
      // From 100 ms before to 500 ms after: the broker's timers are up to 250 ms late.
      const offsetMs = ((results.length * 37) % 600) - 100
      const cancel = async () => {
        await lasts(Math.max(0, Date.parse(due_at) + offsetMs - Date.now()), 'the retry waits for its timer')
        const seq = Number(message.headers?.get('Nats-Sequence'))
        return publisher.publish(endPublication(job, 'job:cancelled', seq), { deadlineMs: 20_000 })
      }
      results.push(cancel())
    },
  })
  return {
    results,
    [Symbol.asyncDispose]: async () => {
      publisher.close()
      await broker.close()
    },
  }
}

test('cancelled around the time their retry is due, jobs end once: cancelled or run, never both', async () => {
  await using run = await startFaultRun({
    total: 240,
    perSecond: 80,
    request: (n) => ({ object_id: `object-${n}`, type: 'effect', payload: { ms: 20, failures: 3 } }),
  })
  await using canceller = await cancelAroundDueTimes(run)
  await run.load.done
  const evidence = await run.settle()
  const results = await Promise.all(canceller.results)
  const won = results.filter(({ kind }) => kind === 'stored').length
  expect(won).toBeGreaterThan(20)
  expect(results.filter(({ kind }) => kind === 'refused').length).toBeGreaterThan(20)

  expect(checkInvariants(evidence)).toEqual([])
  const ends = [...historiesOf(evidence.log).values()].map((history) => history.map(({ event }) => event.event))
  expect(ends.filter((events) => events.at(-1) === 'job:cancelled')).toHaveLength(won)
  for (const events of ends) {
    expect(events.filter((event) => event === 'job:cancelled' || event === 'job:finished')).toHaveLength(1)
  }
})
