import { AckPolicy, DeliverPolicy, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { SECOND } from '#shared/time/clock.ts'
import { MILLISECOND_NS } from './broker-codes.ts'

/** How many messages the log has on the filters at or after a sequence: a consumer is told when it is made. */
export async function countFrom(nc: NatsConnection, filters: string[], seq: number): Promise<number> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const name = `count-${newShortId()}`
  const { num_pending: count } = await manager.consumers.add(JOBS_STREAM, {
    name,
    filter_subjects: filters,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, seq),
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 5 * SECOND * MILLISECOND_NS,
  })
  // Left behind, it is forgotten by itself.
  await manager.consumers.delete(JOBS_STREAM, name).catch(() => undefined)
  return count
}
