import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { Stream } from '#shared/bus/stream.ts'
import { MESSAGES_STREAM, receivedSubject } from '#shared/contracts/log/subjects.ts'
import { MessageStream } from '../../services/ingest/message-stream.ts'
import { startTestBus } from '../support/bus.ts'

test('only what came after a message was lost, and has no higher sequence, took the place of a lost one', async () => {
  await using bus = await startTestBus()
  const { nc } = bus.broker
  const { streams } = await jetstreamManager(nc)
  const stream = new Stream(bus.broker, MESSAGES_STREAM)
  const messages = new MessageStream(stream)
  const store = async (shard: number) => (await jetstream(nc).publish(receivedSubject(shard), '{}')).seq
  for (const shard of [0, 0, 1, 0, 0]) await store(shard)
  const storedNs = await storedNsOf(4)
  const found = (ns: string | undefined) => messages.findRewrittenTail(0, 4, ns)

  async function storedNsOf(seq: number): Promise<string> {
    const { time = '' } = (await stream.atSequence(seq)) ?? {}
    const [seconds = '', fraction = ''] = time.slice(0, -1).split('.')
    return `${Date.parse(`${seconds}Z`) / 1_000}${fraction.padEnd(9, '0')}`
  }

  expect(await found(storedNs)).toBeNull()
  await streams.purge(MESSAGES_STREAM, { filter: receivedSubject(0), seq: 5 })
  expect(await found(storedNs)).toBeNull()

  const { config } = await streams.info(MESSAGES_STREAM)
  await streams.delete(MESSAGES_STREAM)
  await streams.add(config)
  expect(await found(storedNs)).toBeNull()
  for (const shard of [1, 1]) await store(shard)
  expect(await found(storedNs)).toBeNull()
  for (const shard of [0, 1, 0]) await store(shard)
  expect(await found(storedNs)).toBe(3)
  expect(await found(undefined)).toBeNull()
})
