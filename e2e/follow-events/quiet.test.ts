import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { JOBS_STREAM } from '#shared/contracts/subjects.ts'
import { getFrom } from '../support/call.ts'
import { startHasty } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'

const SOON = { timeout: 20_000, interval: 200 }

test('a reader who comes back to a quiet log is told of a reset where events are gone, and not else', async () => {
  await using hasty = await startHasty({
    apiEnv: { LOG_RETENTION_MS: '500', COOLDOWN_MS: '500', HOUSEKEEPING_MS: '200' },
  })
  const nc = await connect({ servers: hasty.nats.url })
  await using _closing = { [Symbol.asyncDispose]: () => nc.close() }
  const manager = await jetstreamManager(nc)
  const state = async () => (await manager.streams.info(JOBS_STREAM)).state
  const read = async (lastId: number) => (await getFrom(`${hasty.url}/v1/events?last_event_id=${lastId}`)).body
  /** Readiness stores something a few times, and the broker forgets it. */
  async function beQuiet(): Promise<void> {
    const { last_seq: from } = await state()
    const probed = async () => {
      await fetch(`${hasty.url}/readyz`)
      return (await state()).last_seq
    }
    await expect.poll(probed, SOON).toBeGreaterThan(from + 2)
    await expect.poll(async () => (await state()).messages, SOON).toBeLessThanOrEqual(1)
  }

  await beQuiet()
  const { last_seq: start } = await state()
  await beQuiet()
  expect(await read(start)).toMatchObject({ items: [], reset: false })

  await untilJob(hasty, await makeJob(hasty, { type: 'sleep', payload: { ms: 1 } }), { status: 'finished' })
  const seen = Number((await read(start))['last_event_id'])
  await beQuiet()
  expect(await read(seen)).toMatchObject({ items: [], reset: false })

  await untilJob(hasty, await makeJob(hasty, { type: 'sleep', payload: { ms: 1 } }), { status: 'finished' })
  await beQuiet()
  expect(await read(seen)).toMatchObject({ reset: true })
})
