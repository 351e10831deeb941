import { Door } from '#shared/accept/door.ts'
import type { Broker } from '#shared/bus/connection.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Records } from '#shared/bus/records.ts'
import { Stream } from '#shared/bus/stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { SHARD_RECORDS } from '#shared/contracts/log/ingest.ts'
import { ALL_RECEIVED, MESSAGES_PROBE, MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import type { Logger } from '#shared/service/logger.ts'
import type { Counter } from '#shared/service/metrics.ts'
import type { Clock } from '#shared/time/clock.ts'
import { acceptMessagesRoutes } from './accept-messages/route.ts'
import { deadMessagesRoutes } from './dead-messages/route.ts'
import { showMessageWorkersRoutes } from './show-message-workers/route.ts'

export interface MessageRoutesDeps {
  broker: Broker
  config: {
    SHARDS: number
    /** Of messages that wait; beyond it new ones are refused. */
    MESSAGES_MAX_BYTES: number
  }
  whyNoRoom: () => Promise<string | null>
  accepted: Counter
  clock: Clock
  log: Logger
}

/** Messages that wait for their batch; beyond it new ones are refused at once. */
const MAX_IN_FLIGHT = 40_000

/** Approximate. Keys count towards the stream's bytes but are not waiting messages. */
const KEY_BYTES = 500
/** Some 300 bytes of the broker's memory each. */
const MAX_KEYS = 2_000_000

/** `POST /message`, and everything under /v1/message. */
export function messageRoutes(router: GuardedRouter, deps: MessageRoutesDeps) {
  const { broker, config, whyNoRoom, accepted, clock, log } = deps
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
  // Not the stream's own limit: what is dead must find room too.
  const door = new Door({
    whyFull: async () => {
      const { bytes, messages } = await stream.state()
      const received = [...(await stream.countBySubject(ALL_RECEIVED)).values()].reduce((sum, count) => sum + count, 0)
      const others = messages - received
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
  return {
    start: () => door.start(),
    async stop() {
      await door.stop()
      for (const each of [records, publisher]) each.close()
    },
  }
}
