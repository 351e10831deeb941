import { jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { JOBS_STREAM, LOG_PROBE } from '#shared/contracts/log/subjects.ts'
import { getFrom } from '../support/call.ts'
import { startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'

const SOON = { timeout: 20_000, interval: 200 }

test('a reader who comes back to a quiet log is told of a reset where events are gone, and not else', async () => {
  await using hasty = await startInProcess({
    env: { LOG_RETENTION_MS: '500', COOLDOWN_MS: '500', HOUSEKEEPING_MS: '200' },
  })
  const nc = await connect({ servers: hasty.nats.url })
  await using _closing = { [Symbol.asyncDispose]: () => nc.close() }
  const manager = await jetstreamManager(nc)
  const state = async () => (await manager.streams.info(JOBS_STREAM)).state
  const read = async (lastId: number) => (await getFrom(`${hasty.url}/v1/events?last_event_id=${lastId}`)).body
  /** Stores something that is no event and disappears by itself, such as a probe or a timer that fires. */
  async function beQuiet(): Promise<void> {
    const forASecond = headers()
    forASecond.set('Nats-TTL', '1s')
    for (let n = 0; n < 3; n++) await nc.request(LOG_PROBE, '', { headers: forASecond, timeout: 5_000 })
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
