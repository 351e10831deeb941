import { type ConsumerInfo, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { ALL_RECEIVED, ARM_TIMERS, JOB_ENDS, JOBS_STREAM, MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import { CONSUMER_NOT_FOUND } from './broker-codes.ts'
import { found } from './topology.ts'

/** What a consumer of the log has before it. */
export interface ConsumerFloor {
  pending: number
  ackPending: number
  /** Everything of its own at or below was delivered and acked. */
  ackFloor: number
}

export async function armTimersFloor(nc: NatsConnection): Promise<ConsumerFloor> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  return floorOf(await manager.consumers.info(JOBS_STREAM, ARM_TIMERS))
}

/** null: setup has not made it, as before there were requests. */
export async function jobEndsFloor(nc: NatsConnection): Promise<ConsumerFloor | null> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const info = await found(() => manager.consumers.info(JOBS_STREAM, JOB_ENDS), CONSUMER_NOT_FOUND)
  return info === null ? null : floorOf(info)
}

const floorOf = (info: ConsumerInfo): ConsumerFloor => ({
  pending: info.num_pending,
  ackPending: info.num_ack_pending,
  ackFloor: info.ack_floor.stream_seq,
})

/** Removes all messages of a subject. */
export async function purgeSubject(nc: NatsConnection, stream: string, subject: string): Promise<void> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  await manager.streams.purge(stream, { filter: subject })
}

export interface MessagesState {
  /** Of everything in the stream. */
  bytes: number
  /** That wait for their batches, or are about to be removed. */
  received: number
  /** Keys of accepted requests, and dead messages. */
  others: number
}

/** @throws when the broker does not answer */
export async function readMessagesState(nc: NatsConnection): Promise<MessagesState> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const { state } = await manager.streams.info(MESSAGES_STREAM, { subjects_filter: ALL_RECEIVED })
  const received = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
  return { bytes: state.bytes, received, others: state.messages - received }
}

/** Removes every message below the sequence, whatever its subject. */
export async function purgeBelow(nc: NatsConnection, seq: number): Promise<void> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  await manager.streams.purge(JOBS_STREAM, { seq })
}
