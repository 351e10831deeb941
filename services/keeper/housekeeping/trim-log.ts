import { laneNeeds } from '#shared/bus/lanes/lane-need.ts'
import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Stream, StreamState } from '#shared/bus/stream.ts'
import { SUBJECTS_PER_JOB } from '#shared/contracts/log/limits.ts'
import { ALL_HISTORY, LANES_PER_TYPE } from '#shared/contracts/log/subjects.ts'
import { armTimersNeed } from './arm-timers-need.ts'
import { type DelayedDeps, keepDelayedJobs } from './delayed-jobs.ts'

export interface TrimDeps extends DelayedDeps {
  listLanes(): Promise<LaneInfo[]>
  /** The first sequence that the workflow service still needs; null: none. */
  neededByRequests(state: StreamState): Promise<number | null>
  /** Sequence up to which the store has applied the log. */
  checkpointSeq(): number
  logRetentionMs: number
  cooldownMs: number
  /** false: the age of data is unknown. */
  isClockTrusted(): boolean
  maxJobs: number
  maxBytes: number
}

/** Share of its limit to which the log is cut under pressure. */
const PRESSURE = 0.5

/**
 * Cuts the log with ONE unfiltered purge, up to the lowest sequence that retention, the store, timers, lanes and the
 * workflow service still need, to deliver it or to compare with it. Filtered purges stall publishes and can come
 * undone.
 * @returns the sequence below which the log was cut, or null when there was nothing to cut
 */
export async function trimLog(deps: TrimDeps): Promise<number | null> {
  const state = await deps.stream.state()
  const checkpoint = deps.checkpointSeq()
  const lanes = await deps.listLanes()
  if (hasIncompleteType(lanes)) {
    deps.log.warn('the log is not trimmed because a job type lacks a lane')
    return null
  }
  const needs = await laneNeeds(deps.stream, lanes)
  const unarmedFrom = await armTimersNeed(deps.stream)
  // After the lanes: the end of a job that has left its lane in the meantime is in the log by now.
  const forRequests = await deps.neededByRequests(state)
  const froms = [unarmedFrom, forRequests, ...needs.map(({ from }) => from)].map((from) => from ?? state.lastSeq + 1)
  // The last event stays, so that a log that begins after a reader's position is known to have been cut there. Timers,
  // and the probes of readiness, expire by themselves.
  const lastEvent = (await deps.stream.lastOf(ALL_HISTORY))?.seq ?? state.firstSeq
  const allowed = Math.min(await retentionCut(deps, state), checkpoint + 1, lastEvent, ...froms)
  if (allowed <= state.firstSeq) return null
  const cut = await keepDelayedJobs(deps, needs, allowed)
  if (cut <= state.firstSeq) return null
  await deps.stream.purge({ below: cut })
  deps.log.debug({ cut, from: state.firstSeq }, 'log trimmed')
  return cut
}

/**
 * The cut by retention: everything before the returned sequence is older than the retention, or over the limits and
 * older than the cooldown.
 */
async function retentionCut(deps: TrimDeps, state: StreamState): Promise<number> {
  const nowMs = deps.clock.now()
  // Nothing is cut for its age while clocks differ; a log that fills is cut all the same, or new jobs would be refused.
  const byAge = deps.isClockTrusted()
    ? await firstSeqAfter(deps.stream, state, nowMs - deps.logRetentionMs)
    : state.firstSeq
  const used = Math.max(state.bytes / deps.maxBytes, state.subjects / (deps.maxJobs * SUBJECTS_PER_JOB))
  if (used <= PRESSURE) return byAge
  const kept = Math.floor((state.lastSeq - state.firstSeq + 1) * (PRESSURE / used))
  const byPressure = state.lastSeq + 1 - kept
  return Math.max(byAge, Math.min(byPressure, await firstSeqAfter(deps.stream, state, nowMs - deps.cooldownMs)))
}

/** The first sequence stored after a time, by bisection: about 20 reads for a million messages. */
export async function firstSeqAfter(
  stream: Pick<Stream, 'nextOf'>,
  state: Pick<StreamState, 'firstSeq' | 'lastSeq'>,
  timeMs: number,
): Promise<number> {
  let low = state.firstSeq
  let high = state.lastSeq + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const message = await stream.nextOf('>', middle)
    if (message === null || Date.parse(message.time) > timeMs) high = middle
    else low = message.seq + 1
  }
  return low
}

/** Whether the lanes of a type are still being created: messages for the missing one would be trimmed away. */
function hasIncompleteType(lanes: LaneInfo[]): boolean {
  const counts = new Map<string, number>()
  for (const lane of lanes)
    counts.set(lane.type, (counts.get(lane.type) ?? 0) + (lane.limit === null ? 1 : LANES_PER_TYPE))
  return [...counts.values()].some((count) => count < LANES_PER_TYPE)
}
