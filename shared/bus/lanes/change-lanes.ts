import { type ConsumerInfo, jetstreamManager } from '@nats-io/jetstream'
import type { JobTypeInfo } from '#shared/contracts/log/job-type.ts'
import { JOBS_STREAM, laneName } from '#shared/contracts/log/subjects.ts'
import { CONSUMER_NOT_FOUND, found, MILLISECOND_NS } from '../broker-codes.ts'
import type { Broker } from '../connection.ts'
import { Stream } from '../stream.ts'
import { changesIn, type TopologyOptions } from '../topology/topology.ts'
import { tellLanesChanged, tellLanesChanging } from './lane-changes.ts'
import { laneNeed } from './lane-need.ts'
import {
  ALONE_SINCE,
  ensureLane,
  FOR_EVER,
  findLanes,
  haveOneShape,
  isSingle,
  laneMetadata,
  lanesOfShape,
  leaseMsOf,
  readLane,
  shapeOf,
} from './lanes.ts'

/**
 * Updates existing lanes to what their type and the settings say now; lanes that are up to date cost no request. The
 * limit of how many run at once is left alone unless the handler declares another number than before: like a pause, it
 * may have been changed by an operator. Only setup calls this: a service that starts never changes a lane.
 */
export async function refreshLanes(
  broker: Broker,
  info: JobTypeInfo,
  options: Pick<TopologyOptions, 'leaseMs'>,
): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const lanes = await findLanes(broker, info.type)
  // The declared policy changes last, so that a change that was cut short is noticed and finished.
  const isDeclared = lanes.every((lane) => readLane(lane)?.info.policy.concurrency === info.policy.concurrency)
  const concurrency = isDeclared ? shapeOf(lanes) : info.policy.concurrency
  if (!isWhole(lanes) || shapeOf(lanes) !== concurrency) await setConcurrency(broker, info, concurrency)
  else if (lanes.some(({ config }) => !config.metadata?.[ALONE_SINCE])) {
    await noteAloneFromNow(broker, info.type)
    tellLanesChanged(broker, info.type)
  }
  for (const { name, config } of await findLanes(broker, info.type)) {
    const changes = changesIn(config, {
      ack_wait: options.leaseMs * MILLISECOND_NS,
      metadata: { ...config.metadata, ...laneMetadata(info) },
    })
    if (changes !== null) await manager.consumers.update(JOBS_STREAM, name, changes)
  }
}

/**
 * Sets how many jobs of a type run at once over all workers; null: no limit. Where the shape changes, the new lanes are
 * created before the old ones are deleted, and begin with what the old ones still had to deliver; the log is read for
 * that alone. A job that is delivered by both starts once, and running jobs continue under their worker's lease.
 */
export async function setConcurrency(broker: Broker, info: JobTypeInfo, concurrency: number | null): Promise<void> {
  const [first] = await findLanes(broker, info.type)
  if (first === undefined) return
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await changeShape(broker, info, concurrency, leaseMsOf(first))
      // Somebody else may have changed the shape at the same time and deleted a lane of ours as an old one.
      if (isWhole(await findLanes(broker, info.type))) return
    }
  } finally {
    // Also after half a change: until they hear this, the workers take each delivery for one of two.
    tellLanesChanged(broker, info.type)
  }
  throw new Error(`the lanes of ${info.type} keep being changed by others; try again`)
}

const MAX_TRIES = 5

const isWhole = (lanes: ConsumerInfo[]): boolean => lanes.length === lanesOfShape(shapeOf(lanes)).length

async function changeShape(
  broker: Broker,
  info: JobTypeInfo,
  concurrency: number | null,
  leaseMs: number,
): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const before = (await manager.streams.info(JOBS_STREAM)).state.last_seq
  const lanes = await findLanes(broker, info.type)
  const wanted = lanesOfShape(concurrency)
  const allExist = wanted.every((priority) => lanes.some(({ name }) => name === laneName(info.type, priority)))
  // Two who change the shape at the same time may each have deleted the other's lanes: then everything is delivered
  // again.
  const startSeq = allExist || lanes.length === 0 ? null : await firstNeeded(broker, lanes, before + 1)
  const isPaused = lanes.length > 0 && lanes.every(({ paused }) => paused === true)
  const isReplaced = !allExist || lanes.some((lane) => isSingle(lane) !== (concurrency !== null))
  if (isReplaced) {
    // Noted first: a worker that looks at the lanes from now on must not take them for the only ones.
    await noteAlone(broker, lanes, null)
    await tellLanesChanging(broker, info.type)
  }
  for (const priority of wanted) {
    const lane = await ensureLane(broker, info, priority, { concurrency, leaseMs, startSeq, isPaused })
    if (concurrency !== null && lane.config.max_ack_pending !== concurrency) {
      await manager.consumers.update(JOBS_STREAM, lane.name, { max_ack_pending: concurrency })
    }
  }
  for (const old of lanes) {
    if (isSingle(old) === (concurrency !== null)) continue
    await found(() => manager.consumers.delete(JOBS_STREAM, old.name), CONSUMER_NOT_FOUND)
  }
  if (isReplaced) await noteAloneFromNow(broker, info.type)
}

/**
 * Notes at the lanes of a type that every message from now on is in one of them alone: of such a message a worker knows
 * from its first delivery that nobody else has it.
 */
async function noteAloneFromNow(broker: Broker, type: string): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const lanes = await findLanes(broker, type)
  if (!haveOneShape(lanes)) return
  await noteAlone(broker, lanes, (await manager.streams.info(JOBS_STREAM)).state.last_seq)
}

async function noteAlone(broker: Broker, lanes: ConsumerInfo[], since: number | null): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  for (const { name, config } of lanes) {
    const metadata = { ...config.metadata, [ALONE_SINCE]: since === null ? '' : String(since) }
    // Somebody who replaces lanes at the same time may have deleted it.
    await found(() => manager.consumers.update(JOBS_STREAM, name, { metadata }), CONSUMER_NOT_FOUND)
  }
}

/** @param otherwise the result where nothing is left to deliver */
async function firstNeeded(broker: Broker, lanes: ConsumerInfo[], otherwise: number): Promise<number> {
  const stream = new Stream(broker)
  let first = otherwise
  for (const lane of lanes.map(readLane)) {
    const need = lane === null ? null : await laneNeed(stream, lane)
    if (need !== null) first = Math.min(first, need)
  }
  return first
}

/** Removes the lanes of a type, of which nothing may be left. */
export async function deleteLanes(broker: Broker, type: string): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  for (const { name } of await findLanes(broker, type))
    await found(() => manager.consumers.delete(JOBS_STREAM, name), CONSUMER_NOT_FOUND)
  tellLanesChanged(broker, type)
}

/** Stops or starts the deliveries of a type. Running jobs continue. */
export async function setPaused(broker: Broker, type: string, isPaused: boolean): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  for (const { name } of await findLanes(broker, type)) {
    if (isPaused) await manager.consumers.pause(JOBS_STREAM, name, FOR_EVER)
    else await manager.consumers.resume(JOBS_STREAM, name)
  }
}
