import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { LanePriority } from '#shared/contracts/log/subjects.ts'
import type { WorkerPresence } from '#shared/contracts/log/worker-presence.ts'
import { SECOND } from '#shared/time/clock.ts'

/** What a scrape tells of a job type. */
export interface TypeLevel {
  type: string
  /** Jobs that wait in each lane; `any` is the lane of a type with a limit. */
  waiting: Map<LanePriority, number>
  running: number
  /** Age of the job that has waited longest; 0 where none waits. */
  oldestWaitingSeconds: number
  /** Workers that run the type, and the jobs that they can run at once, of all types. */
  workers: number
  slots: number
  isPaused: boolean
}

export interface ReadTypeLevelsDeps {
  listLanes(): Promise<LaneInfo[]>
  askWorkers(waitMs: number): Promise<WorkerPresence[]>
  /** The log of jobs. */
  stream: Pick<Stream, 'nextOf'>
  nowMs: number
}

/** Types beyond these are told together, so that a flood of types does not flood whoever stores the figures. */
const TYPES_MAX = 200
const OTHER = 'other'
/** Of the lanes of `other`, which may be thousands. */
const LANES_READ_MAX = 50
const ANSWER_MS = SECOND / 4

/**
 * What waits and runs now, by type, as the broker and the workers tell it.
 * @returns the types with the most waiting jobs first; the last one may be `other`
 * @throws when the broker does not answer
 */
export async function readTypeLevels(deps: ReadTypeLevelsDeps): Promise<TypeLevel[]> {
  const [lanes, workers] = await Promise.all([deps.listLanes(), deps.askWorkers(ANSWER_MS)])
  const levels = [...Map.groupBy(lanes, ({ type }) => type)]
    .map(([type, own]) => ({ ...levelOf(type, own, workers), lanes: own }))
    .toSorted((one, other) => sum(other.waiting) - sum(one.waiting))
  const [shown, rest] = [levels.slice(0, TYPES_MAX), levels.slice(TYPES_MAX)]
  const told = [...shown, ...(rest.length === 0 ? [] : [together(rest)])]
  return Promise.all(
    told.map(async ({ lanes: own, ...level }) => ({ ...level, oldestWaitingSeconds: await oldestSeconds(deps, own) })),
  )
}

type Level = Omit<TypeLevel, 'oldestWaitingSeconds'> & { lanes: LaneInfo[] }

function levelOf(type: string, lanes: LaneInfo[], workers: WorkerPresence[]): Omit<Level, 'lanes'> {
  const able = workers.filter(({ types }) => types.includes(type))
  return {
    type,
    waiting: new Map(lanes.map(({ priority, pending }) => [priority, pending])),
    running: lanes.reduce((total, { ackPending }) => total + ackPending, 0),
    workers: able.length,
    slots: able.reduce((total, { slots }) => total + slots, 0),
    isPaused: lanes.every(({ paused }) => paused),
  }
}

function together(levels: Level[]): Level {
  const waiting = new Map<LanePriority, number>()
  for (const level of levels)
    for (const [priority, count] of level.waiting) waiting.set(priority, (waiting.get(priority) ?? 0) + count)
  const most = (of: (level: Level) => number) => Math.max(...levels.map(of))
  return {
    type: OTHER,
    waiting,
    running: levels.reduce((total, { running }) => total + running, 0),
    // They are often the same workers, so a sum would count them more than once.
    workers: most(({ workers }) => workers),
    slots: most(({ slots }) => slots),
    isPaused: levels.every(({ isPaused }) => isPaused),
    lanes: levels.flatMap(({ lanes }) => lanes),
  }
}

async function oldestSeconds({ stream, nowMs }: ReadTypeLevelsDeps, lanes: LaneInfo[]): Promise<number> {
  const firsts = await Promise.all(
    lanes
      .filter(({ pending }) => pending > 0)
      .slice(0, LANES_READ_MAX)
      .flatMap(({ filters, lastSeq }) => filters.map((filter) => stream.nextOf(filter, lastSeq + 1))),
  )
  const oldestMs = Math.min(nowMs, ...firsts.flatMap((first) => (first === null ? [] : [Date.parse(first.time)])))
  return (nowMs - oldestMs) / SECOND
}

const sum = (counts: ReadonlyMap<unknown, number>): number =>
  [...counts.values()].reduce((total, one) => total + one, 0)
