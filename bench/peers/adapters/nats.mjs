// The floor of a design on JetStream: one awaited publish a POST; a durable pull consumer with acks; no read store. The
// publish is plain, under one subscription for all acks, which costs a seventh of the client's own helper.
import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect, createInbox } from '@nats-io/transport-node'
import { nanoid } from 'nanoid'

const SECOND_NS = 1_000_000_000

async function setUp() {
  const nc = await connect({ servers: process.env.NATS_URL })
  const manager = await jetstreamManager(nc)
  await manager.streams.add({
    name: 'JOBS',
    subjects: ['jobs.created'],
    storage: StorageType.File,
    duplicate_window: 300 * SECOND_NS,
  })
  return { nc, manager }
}

function onAck(inbox, waiting) {
  return (error, message) => {
    const token = message.subject.slice(inbox.length + 1)
    const publish = waiting.get(token)
    waiting.delete(token)
    if (publish === undefined) return
    const problem = error ?? message.json().error
    if (problem === undefined) publish.resolve()
    else publish.reject(new Error(JSON.stringify(problem)))
  }
}

export async function producer() {
  const { nc } = await setUp()
  const inbox = createInbox()
  const waiting = new Map()
  let nextToken = 0
  nc.subscribe(`${inbox}.*`, { callback: onAck(inbox, waiting) })
  await nc.flush()
  return async (data) => {
    const id = nanoid()
    const token = String(nextToken++)
    const acked = new Promise((resolve, reject) => {
      waiting.set(token, { resolve, reject })
    })
    nc.publish('jobs.created', JSON.stringify({ id, ...data }), { reply: `${inbox}.${token}` })
    await acked
    return id
  }
}

export async function consumer(hit) {
  const { nc, manager } = await setUp()
  await manager.consumers.add('JOBS', {
    durable_name: 'work',
    ack_policy: AckPolicy.Explicit,
    ack_wait: 46 * SECOND_NS,
    max_ack_pending: 1_000,
  })
  const lane = await jetstream(nc).consumers.get('JOBS', 'work')
  const messages = await lane.consume({ max_messages: 500 })
  const consuming = (async () => {
    for await (const message of messages) {
      hit(message.json().t)
      message.ack()
    }
  })()
  return {
    depth: async () => {
      const { num_pending: pending, num_ack_pending: unacked } = await manager.consumers.info('JOBS', 'work')
      return pending + unacked
    },
    close: async () => {
      await messages.close()
      await consuming
      await nc.drain()
    },
  }
}
