import { Door } from '#shared/accept/door.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Records } from '#shared/bus/records.ts'
import { Stream } from '#shared/bus/stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { SHARD_RECORDS } from '#shared/contracts/log/ingest.ts'
import { ALL_RECEIVED, MESSAGES_PROBE, MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import type { ApiConfig } from '../config.ts'
import { acceptMessagesRoutes } from './accept-messages-route.ts'
import { deadMessagesRoutes } from './dead-messages-route.ts'
import { showMessageWorkersRoutes } from './show-message-workers-route.ts'

export interface MessageRoutesDeps {
  whyNoRoom: () => Promise<string | null>
  accepted: Counter
}

/** Messages on their way to the broker beyond which new ones are refused at once. */
const MAX_IN_FLIGHT = 40_000

/** Approximate. Keys count towards the stream's bytes but are not waiting messages. */
const KEY_BYTES = 500
/** About 300 bytes of the broker's memory each. */
const MAX_KEYS = 2_000_000

/** `POST /message`, and everything under /v1/message. */
export async function messageRoutes(router: GuardedRouter, base: ServiceBase<ApiConfig>, deps: MessageRoutesDeps) {
  const { broker, config, clock, log, life } = base
  const { whyNoRoom, accepted } = deps
  const { SHARDS: shards, MESSAGES_MAX_BYTES: maxBytes } = config
  const stream = new Stream(broker, MESSAGES_STREAM)
  const records = new Records(SHARD_RECORDS, { broker, clock })
  const publisher = new Publisher({
    broker,
    stream,
    clock,
    maxInFlight: MAX_IN_FLIGHT,
    // Also where the broker does not sync every write: an atomic batch costs it a synced file.
    groupCommit: true,
    probe: new WriteProbe({ broker, subject: MESSAGES_PROBE, clock }),
  })
  // Below the stream's own limit: dead messages must find room too.
  const door = new Door({
    whyFull: async () => {
      const { bytes, messages } = await stream.state()
      const others = messages - (await countReceived(stream))
      if (others >= MAX_KEYS) return `The broker holds its limit of Idempotency-Keys (${others}). Try again later.`
      const waiting = bytes - others * KEY_BYTES
      return waiting < maxBytes
        ? null
        : `The broker holds ${waiting} bytes of waiting messages; the limit for new ones is ${maxBytes}. Try again later.`
    },
    isBrokerUp: () => broker.isUp(),
    whyNoRoom,
    log,
  })
  acceptMessagesRoutes(router, { publisher, stream, door, shards, underWay: { bytes: 0 }, accepted })
  showMessageWorkersRoutes(router, { stream, records, shards })
  deadMessagesRoutes(router, { stream, publisher, records, clock, log })
  for (const each of [records, publisher]) life.onStop(() => each.close())
  await life.start(door)
}

async function countReceived(stream: Stream): Promise<number> {
  const counts = await stream.countBySubject(ALL_RECEIVED)
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
