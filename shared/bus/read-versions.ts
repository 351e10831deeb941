import { AckPolicy, DeliverPolicy, jetstreamManager } from '@nats-io/jetstream'
import type { Msg } from '@nats-io/transport-node'
import { newShortId } from '#shared/ids/ids.ts'
import { MILLISECOND_NS } from './broker-codes.ts'
import type { Broker } from './connection.ts'

/** A message without its body. */
export interface Version {
  subject: string
  seq: number
  isEmpty: boolean
}

export interface Versions {
  /** In the order of the stream. */
  versions: Version[]
  /** Whether there are more messages behind the last one. */
  isMore: boolean
}

export interface VersionsQuery {
  fromSeq: number
  limit: number
}

const QUIET_MS = 1_500
/** Time after which the broker forgets a consumer to which nobody listens: under many readers they must not pile up. */
const UNHEARD_MS = 100

/**
 * Reads which messages a stream has at or after a sequence, and none of their bodies: a consumer of the moment is the
 * only way to have the broker leave them out.
 * @throws when the broker does not answer, or goes silent before the last message
 */
export function readVersions(broker: Broker, stream: string, query: VersionsQuery): Promise<Versions> {
  return new Promise((resolve, reject) => {
    const versions: Version[] = []
    const inbox = broker.newInbox()
    const end = (settle: () => void) => {
      clearTimeout(timer)
      subscription.unsubscribe()
      settle()
    }
    const give = (isMore: boolean) => end(() => resolve({ versions, isMore }))
    const fail = (error: unknown) => end(() => reject(new Error(`reading ${stream}`, { cause: error })))
    const onMessage = (message: Msg) => {
      const version = toVersion(message)
      // The broker tells that it is idle, or that the consumer has ended.
      if (version === null) return
      timer.refresh()
      const { pending, ...own } = version
      versions.push(own)
      if (pending === 0 || versions.length >= query.limit) give(pending > 0)
    }
    const timer = setTimeout(() => fail(new Error('no answer in time')), QUIET_MS)
    const subscription = broker.nc.subscribe(inbox, {
      callback: (error, message) => (error === null ? onMessage(message) : fail(error)),
    })
    addConsumer(broker, stream, query, inbox).then((messages) => {
      if (messages === 0) give(false)
    }, fail)
  })
}

/** @returns the number of messages that it has or had to deliver */
async function addConsumer(
  broker: Broker,
  stream: string,
  { fromSeq, limit }: VersionsQuery,
  inbox: string,
): Promise<number> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: QUIET_MS })
  // The broker forgets it by itself once nobody listens to the inbox.
  const { num_pending: pending, delivered } = await manager.consumers.add(stream, {
    name: `versions-${newShortId()}`,
    deliver_subject: inbox,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, fromSeq),
    headers_only: true,
    // Nothing is acked: that is how the broker sends no more than the limit.
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: limit,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: UNHEARD_MS * MILLISECOND_NS,
  })
  return pending + delivered.consumer_seq
}

/** Reads the reply subject as puller.ts does: with a domain and account hash it has two more tokens. */
function toVersion({ subject, reply = '', headers }: Msg): (Version & { pending: number }) | null {
  const size = headers?.get('Nats-Msg-Size') ?? ''
  if (reply === '' || size === '') return null
  const tokens = reply.split('.')
  const first = tokens.length > 9 ? 6 : 4
  return { subject, seq: Number(tokens[first + 1]), isEmpty: size === '0', pending: Number(tokens[first + 4]) }
}
