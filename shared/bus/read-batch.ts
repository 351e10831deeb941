import type { Msg } from '@nats-io/transport-node'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import type { Broker } from './connection.ts'

export interface Batch {
  messages: { subject: string; seq: number; body: string }[]
  /** There is more behind the last one. */
  isMore: boolean
  /** How much. */
  pending: number
}

export interface BatchQuery {
  /** JOBS when not given; one that allows direct reads. */
  stream?: string
  filter: string
  fromSeq: number
  limit: number
}

const QUIET_MS = 1_500
/** Above the largest message, so that every batch comes forward. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024
const END_OF_BATCH = 204
const NOTHING_THERE = 404

/**
 * The next messages on a filter at or after a sequence, in one request.
 * @throws when the broker does not answer
 */
export function readBatch(
  broker: Broker,
  { stream = JOBS_STREAM, filter, fromSeq, limit }: BatchQuery,
): Promise<Batch> {
  return directGet(broker, stream, { seq: fromSeq, next_by_subj: filter, batch: limit, max_bytes: BATCH_MAX_BYTES })
}

/**
 * The last message of each subject that a filter means, in the order of the log. Where these are few it costs the broker
 * far less than `readBatch`, which counts what is behind.
 * @throws when the broker does not answer
 */
export const readLastOfEach = async (broker: Broker, filter: string): Promise<Batch['messages']> =>
  (await directGet(broker, JOBS_STREAM, { multi_last: [filter] })).messages

/** Not the client's own `direct.getBatch`: it keeps a subscription a call, and takes the end of the log for an error. */
function directGet(broker: Broker, stream: string, query: Record<string, unknown>): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const messages: Batch['messages'] = []
    const inbox = broker.newInbox()
    const end = (settle: () => void) => {
      clearTimeout(timer)
      subscription.unsubscribe()
      settle()
    }
    const give = (pending: number) => end(() => resolve({ messages, isMore: pending > 0, pending }))
    const fail = (why: string) => end(() => reject(new Error(`reading the log: ${why}`)))
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
