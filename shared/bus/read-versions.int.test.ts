import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { REQUESTS_STREAM, requestSubject } from '#shared/contracts/log/subjects.ts'
import { startTestBus } from '../../e2e/support/bus.ts'
import { Stream } from './stream.ts'

test('the versions of a stream come in its order, a part at a time, and without what was replaced', async () => {
  await using bus = await startTestBus()
  const stream = new Stream(bus.broker, REQUESTS_STREAM)
  const all = { fromSeq: 1, limit: 100 }
  expect(await stream.versionsFrom(all)).toEqual({ versions: [], isMore: false })
  const js = jetstream(bus.broker.nc)
  for (const [id, body] of Object.entries({ a: 'x', b: 'x', c: '' })) await js.publish(requestSubject(id), body)
  await js.publish(requestSubject('a'), 'y')
  const b = { subject: requestSubject('b'), seq: 2, isEmpty: false }
  const c = { subject: requestSubject('c'), seq: 3, isEmpty: true }
  const a = { subject: requestSubject('a'), seq: 4, isEmpty: false }
  expect(await stream.versionsFrom(all)).toEqual({ versions: [b, c, a], isMore: false })
  expect(await stream.versionsFrom({ fromSeq: 1, limit: 2 })).toEqual({ versions: [b, c], isMore: true })
  expect(await stream.versionsFrom({ fromSeq: 4, limit: 2 })).toEqual({ versions: [a], isMore: false })
  expect(await stream.versionsFrom({ fromSeq: 5, limit: 2 })).toEqual({ versions: [], isMore: false })
  const manager = await jetstreamManager(bus.broker.nc)
  await expect
    .poll(async () => (await manager.streams.info(REQUESTS_STREAM)).state.consumer_count, { timeout: 20_000 })
    .toBe(1)
})

test('a broker that does not answer is an error', async () => {
  await using bus = await startTestBus()
  await bus.nats.stop()
  await expect(new Stream(bus.broker, REQUESTS_STREAM).versionsFrom({ fromSeq: 1, limit: 2 })).rejects.toThrow(
    /REQUESTS/,
  )
})
