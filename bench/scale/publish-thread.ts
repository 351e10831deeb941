import { workerData } from 'node:worker_threads'
import { connect, headers } from '@nats-io/transport-node'

// Publishes the first events of jobs and counts acks, on a connection of its own. Each is compared with what its subject
// holds, as those of Hasty are.

export interface PublishTask {
  url: string
  /** Number of this thread: no two publish on the same subjects. */
  thread: number
  streams: number
  messages: number
}

const { url, thread, streams, messages } = workerData as PublishTask
/** Messages without an ack at once. */
const WINDOW = 500
const BODY = JSON.stringify({ event: 'job:created', payload: { text: 'x'.repeat(400) } })

const nc = await connect({ servers: url })
const inbox = `bench.acks.${thread}`
const own = headers()
own.set('Nats-Expected-Last-Subject-Sequence', '0')

await new Promise<void>((resolve, reject) => {
  let sent = 0
  let acked = 0
  const publish = () => {
    // The hash of an object_id is as good as a number that counts up.
    nc.publish(`s${sent % streams}.created.${thread}.${sent}`, BODY, { reply: inbox, headers: own })
    sent++
  }
  nc.subscribe(inbox, {
    callback: (_error, message) => {
      const { error } = message.json<{ error?: { description: string } }>()
      if (error !== undefined) reject(new Error(error.description))
      if (++acked === messages) resolve()
      if (sent < messages) publish()
    },
  })
  while (sent < Math.min(WINDOW, messages)) publish()
})
await nc.close()
