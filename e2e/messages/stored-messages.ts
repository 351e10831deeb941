import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type StoredMessage, storedMessageSchema } from '#shared/contracts/log/message.ts'
import { ALL_RECEIVED, MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import { connectTest } from '../support/read-log.ts'

export interface StoredEntry extends StoredMessage {
  shard: number
  seq: number
}

const BATCH = 1_000

/** The messages that the stream has from a sequence on, in its order. */
export async function storedMessages(natsUrl: string, filter = ALL_RECEIVED): Promise<StoredEntry[]> {
  const nc = await connectTest(natsUrl)
  try {
    const entries: StoredEntry[] = []
    const consumer = await jetstream(nc).consumers.get(MESSAGES_STREAM, { filter_subjects: filter })
    let { num_pending: left } = await consumer.info()
    while (left > 0) {
      for await (const message of await consumer.fetch({ max_messages: Math.min(BATCH, left), expires: 5_000 })) {
        const shard = Number(message.subject.split('.')[1])
        entries.push({ ...storedMessageSchema.parse(message.json()), shard, seq: message.seq })
        left--
      }
    }
    await consumer.delete().catch(() => undefined)
    return entries
  } finally {
    await nc.close()
  }
}

/** How many messages the stream has, keys and dead ones included. */
export async function streamState(natsUrl: string): Promise<{ messages: number; lastSeq: number }> {
  const nc = await connectTest(natsUrl)
  try {
    const { state } = await (await jetstreamManager(nc)).streams.info(MESSAGES_STREAM)
    return { messages: state.messages, lastSeq: state.last_seq }
  } finally {
    await nc.close()
  }
}
