import type { Msg } from '@nats-io/transport-node'
import type { Broker } from './connection.ts'

export interface Batch {
  messages: { subject: string; seq: number; body: string }[]
  /** Whether there are more messages behind the last one. */
  isMore: boolean
  /** How many messages are behind the last one. */
  pending: number
}

const QUIET_MS = 1_500
const END_OF_BATCH = 204
const NOTHING_THERE = 404

/**
 * Reads several messages of a stream in one request, from any replica. The client's own `direct.getBatch` keeps a
 * subscription for each call, and takes the end of the stream for an error.
 * @throws when the broker does not answer
 */
export function directGet(broker: Broker, stream: string, query: Record<string, unknown>): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const messages: Batch['messages'] = []
    const inbox = broker.newInbox()
    const end = (settle: () => void) => {
      clearTimeout(timer)
      subscription.unsubscribe()
      settle()
    }
    const give = (pending: number) => end(() => resolve({ messages, isMore: pending > 0, pending }))
    const fail = (why: string) => end(() => reject(new Error(`reading ${stream}: ${why}`)))
    const onMessage = (message: Msg) => {
      const code = message.headers?.code ?? 0
      if (code === END_OF_BATCH) give(Number(message.headers?.get('Nats-Num-Pending')))
      else if (code === NOTHING_THERE) give(0)
      else if (code !== 0) fail(message.headers?.description ?? String(code))
      else {
        timer.refresh()
        const { headers } = message
        messages.push({
          subject: headers?.get('Nats-Subject') ?? '',
          seq: Number(headers?.get('Nats-Sequence')),
          body: message.string(),
        })
      }
    }
    const timer = setTimeout(() => fail('no answer in time'), QUIET_MS)
    const subscription = broker.nc.subscribe(inbox, {
      callback: (error, message) => (error === null ? onMessage(message) : fail(error.message)),
    })
    broker.outbox.send(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), { reply: inbox })
  })
}
