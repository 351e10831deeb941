import { isDeepStrictEqual } from 'node:util'
import { type ConsumerInfo, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { PermissionViolationError } from '@nats-io/transport-node'
import { CONSUMER_NOT_FOUND, found, STREAM_NOT_FOUND } from '../broker-codes.ts'
import type { Connected } from '../connection.ts'
import { allConsumers, type ConsumerSettings } from './consumers.ts'
import { allStreams, type StreamSettings } from './streams.ts'

export interface TopologyOptions {
  cooldownMs: number
  /** Milliseconds without a renewal after which a delivery goes to another worker. */
  leaseMs: number
  replicas: number
}

/** nats-server 2.14, where schedules and batches are complete. */
const MIN_API_LEVEL = 4

/** Creates the missing streams and consumers and updates the settings of the others. Lanes are not touched. */
export async function ensureTopology(broker: Connected, options: TopologyOptions): Promise<void> {
  const manager = await jetstreamManager(broker.nc)
  const level = (await manager.getAccountInfo()).api.level ?? 0
  if (level < MIN_API_LEVEL) {
    throw new Error(`this nats-server is too old (API level ${level}, needed ${MIN_API_LEVEL}): use 2.15.1 or newer`)
  }
  for (const settings of allStreams(options)) await ensureStream(manager, settings)
  for (const [stream, settings] of allConsumers(options)) await ensureFresh(manager, stream, settings)
}

/** Creates a consumer, or updates those of its settings that may change. */
async function ensureFresh(manager: JetStreamManager, stream: string, settings: ConsumerSettings): Promise<void> {
  const { config, name } = await ensureConsumer(manager, stream, settings)
  const { ack_wait, max_ack_pending } = settings
  const changes = changesIn(config, { ack_wait, max_ack_pending })
  if (changes !== null) await manager.consumers.update(stream, name, changes)
}

async function ensureStream(manager: JetStreamManager, settings: StreamSettings): Promise<void> {
  const existing = await found(() => manager.streams.info(settings.name), STREAM_NOT_FOUND)
  if (existing === null) return void (await manager.streams.add(settings))
  const changes = changesIn(existing.config, settings)
  if (changes !== null) await manager.streams.update(settings.name, changes)
}

/**
 * The wanted settings that differ from the current ones. Setup runs again whenever something is scaled or upgraded,
 * while the broker is at work: settings that are right are not touched.
 * @returns null when nothing differs
 */
export function changesIn<T extends object>(
  now: T,
  wanted: { [Name in keyof T]?: T[Name] | undefined },
): Partial<T> | null {
  const differs = ([name, value]: [string, unknown]) =>
    value !== undefined && !isDeepStrictEqual(now[name as keyof T], value)
  const changes = Object.entries(wanted).filter(differs)
  return changes.length === 0 ? null : (Object.fromEntries(changes) as Partial<T>)
}

export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  settings: ConsumerSettings,
): Promise<ConsumerInfo> {
  const name = settings.durable_name ?? ''
  const existing = await found(() => manager.consumers.info(stream, name), CONSUMER_NOT_FOUND)
  if (existing !== null) return existing
  try {
    return await manager.consumers.add(stream, settings)
  } catch (error) {
    // The client wraps the error.
    if (!(error instanceof Error && error.cause instanceof PermissionViolationError)) throw error
    // Where each service has its own user, only setup's user may create consumers.
    throw new Error(`the broker has no ${name}, and this user may not create it: run services/job/setup.ts first`, {
      cause: error,
    })
  }
}
