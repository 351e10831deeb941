import type Router from '@koa/router'
import { Door } from '#shared/accept/door.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { type BatchQuery, readBatch } from '#shared/bus/read-batch.ts'
import { RecordStream } from '#shared/bus/record-stream.ts'
import { purgeSubject, readMessagesState } from '#shared/bus/stream-state.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { INGEST_STREAM, MESSAGES_PROBE, MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import { acceptMessagesRoutes } from './accept-messages/route.ts'
import type { ApiConfig } from './config.ts'
import { deadMessagesRoutes } from './dead-messages/route.ts'
import { showMessageWorkersRoutes } from './show-message-workers/route.ts'

export interface MessageRoutesDeps {
  whyNoRoom: () => Promise<string | null>
  accepted: Counter
}

/** Messages that wait for their batch; beyond it new ones are refused at once. */
const MAX_IN_FLIGHT = 40_000

/** About: a key is no message that waits. */
const KEY_BYTES = 500
/** Some 300 bytes of the broker's memory each. */
const MAX_KEYS = 2_000_000

/** `POST /message`, and everything under /v1/message. */
export async function messageRoutes(router: Router, base: ServiceBase<ApiConfig>, deps: MessageRoutesDeps) {
  const { broker, config, clock, log, life } = base
  const { whyNoRoom, accepted } = deps
  const { SHARDS: shards, MESSAGES_MAX_BYTES: maxBytes } = config
  const messages = new RecordStream(broker, MESSAGES_STREAM, clock)
  const records = new RecordStream(broker, INGEST_STREAM, clock)
  const reader = new LogReader(broker.nc, MESSAGES_STREAM)
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_IN_FLIGHT,
    // Also where the broker does not sync every write: an atomic batch costs it a synced file.
    groupCommit: true,
    probe: new WriteProbe({ broker, subject: MESSAGES_PROBE, clock }),
  })
  // Not the stream's own limit: what is dead must find room too.
  const door = new Door({
    whyFull: async () => {
      const { bytes, others } = await readMessagesState(broker.nc)
      if (others >= MAX_KEYS) return `The broker knows ${others} requests of the last hour by their keys, and no more.`
      const waiting = bytes - others * KEY_BYTES
      return waiting < maxBytes
        ? null
        : `The broker holds ${waiting} bytes of messages, the limit for new ones is ${maxBytes}.`
    },
    isBrokerUp: () => broker.isUp(),
    whyNoRoom,
    log,
  })
  acceptMessagesRoutes(router, { publisher, reader, door, shards, underWay: { bytes: 0 }, accepted })
  const read = { readBatch: (query: BatchQuery) => readBatch(broker, query) }
  showMessageWorkersRoutes(router, { ...read, records, shards })
  const purge = (subject: string) => purgeSubject(broker.nc, MESSAGES_STREAM, subject)
  const lastSeq = async () => (await messages.state()).lastSeq
  deadMessagesRoutes(router, { ...read, publisher, lastSeq, records, purge, clock, log })
  for (const each of [messages, records, publisher]) life.onStop(() => each.close())
  await life.start(door)
}
