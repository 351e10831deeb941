import { z } from 'zod'
import type { Broker } from '#shared/bus/connection.ts'
import { watchLaneChanges } from '#shared/bus/lanes/lane-changes.ts'
import { type LaneInfo, listLanes } from '#shared/bus/lanes/lanes.ts'
import type { JobTypeInfo } from '#shared/contracts/log/job-type.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { closestWord } from '#shared/formats/closest-word.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, MINUTE, SECOND } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { fromJsonSchema } from './json-schema.ts'

export interface JobType {
  info: JobTypeInfo
  /** Schema of the payload; null accepts any payload. */
  payload: z.ZodType | null
}

const REFRESH_MS = 5 * SECOND
/** Shortest pause between two lookups that unknown types cause. */
const LOOK_AGAIN_MS = 1 * SECOND
const NAMED_MAX = 50
/** Number of samples: the rate is that of the last minute. */
const SAMPLES = MINUTE / REFRESH_MS

interface Sample {
  atMs: number
  delivered: Map<string, number>
}

/** Where the types are read from. */
export interface LaneSource {
  list(): Promise<LaneInfo[]>
  /** @param onChanged called when another process has changed a type; @returns a function that stops it */
  watch(onChanged: () => void): () => void
}

export const lanesOf = (broker: Broker): LaneSource => ({
  list: () => listLanes(broker),
  watch: (onChanged) => watchLaneChanges(broker, { onChanged }),
})

/** The known job types: what the lanes at the broker say, kept fresh. */
export class JobTypes {
  readonly #lanes: LaneSource
  readonly #clock: Clock
  readonly #loop: IntervalLoop
  readonly #log: Logger
  #types = new Map<string, JobType>()
  #refreshedAtMs = Number.NEGATIVE_INFINITY
  /** The look at the lanes that is under way, and the one that follows it. */
  #looking: Promise<void> | null = null
  #nextLook: Promise<void> | null = null
  #unwatch: () => void = () => undefined
  /** Deliveries of each type at the last refreshes, oldest first. */
  #samples: Sample[] = []

  constructor(lanes: LaneSource, clock: Clock, log: Logger) {
    this.#lanes = lanes
    this.#clock = clock
    this.#log = log
    this.#loop = new IntervalLoop(
      REFRESH_MS,
      () => this.#refresh(),
      (error) => log.debug({ err: error }, 'could not read the job types, will retry'),
    )
  }

  /** @throws when the broker does not answer */
  async start(): Promise<void> {
    this.#unwatch = this.#lanes.watch(() => this.refresh())
    await this.#refresh()
    this.#loop.start()
  }

  stop(): Promise<void> {
    this.#unwatch()
    return this.#loop.stop()
  }

  /** A type as it was read last; undefined where it was not known then. */
  known(type: string): JobType | undefined {
    return this.#types.get(type)
  }

  /** @throws AppError `unknown-type` that names the known ones */
  async get(type: string): Promise<JobType> {
    const known = this.#types.get(type)
    if (known !== undefined) return known
    await this.#lookAgain()
    const found = this.#types.get(type)
    if (found === undefined) throw this.#unknown(type)
    return found
  }

  /**
   * A type whose jobs may run.
   * @throws AppError `unknown-type` also for one that is switched off
   */
  async getOffered(type: string): Promise<JobType> {
    const found = await this.get(type)
    if (found.info.policy.switched_off) throw this.#unknown(type)
    return found
  }

  /**
   * A type whose jobs callers may create.
   * @throws AppError `unknown-type` also for types whose jobs only Hasty creates
   */
  async getPublic(type: string): Promise<JobType> {
    const found = await this.get(type)
    if (found.info.policy.internal) throw this.#unknown(type)
    return found
  }

  /** Jobs of a type that workers took in the last minute, per second. */
  ratePerS(type: string): number {
    const first = this.#samples.find(({ delivered }) => delivered.has(type))
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0
    const taken = (last.delivered.get(type) ?? 0) - (first.delivered.get(type) ?? 0)
    // The counters of new lanes begin at 0 again.
    return (Math.max(0, taken) * SECOND) / (last.atMs - first.atMs)
  }

  #unknown(type: string): AppError {
    const names = [...this.#types.values()]
      .filter(({ info }) => !info.policy.internal)
      .map(({ info }) => info.type)
      .toSorted()
    const named = names.slice(0, NAMED_MAX)
    const meant = closestWord(type, names)
    const guess = meant === null ? '' : ` Did you mean "${meant}"?`
    const detail = `There is no job type "${type}".${guess} Known types: ${named.join(', ') || 'none'}.`
    const fault = `is not a known job type${meant === null ? '' : `; did you mean "${meant}"?`}`
    return new AppError('unknown-type', detail, {
      members: { errors: [{ pointer: '/type', detail: fault }], known_types: named },
    })
  }

  async #lookAgain(): Promise<void> {
    const isFresh = this.#clock.monotonic() - this.#refreshedAtMs < LOOK_AGAIN_MS
    const underWay = this.#nextLook ?? this.#looking
    if (isFresh && underWay === null) return
    try {
      await (underWay ?? this.#refresh())
    } catch (error) {
      throw unavailable('The broker did not answer about job types. Try again.', error)
    }
  }

  /** Called when a type was changed: its next user need not wait for the regular look. */
  refresh(): void {
    this.#refresh().catch((error: unknown) =>
      this.#log.debug({ err: error }, 'could not read the job types, will retry'),
    )
  }

  /** Looks, or looks once more after the look that is under way, which may not see what has just changed. */
  #refresh(): Promise<void> {
    if (this.#looking === null) return this.#look()
    this.#nextLook ??= this.#looking
      .catch(() => undefined)
      .then(() => {
        this.#nextLook = null
        return this.#look()
      })
    return this.#nextLook
  }

  #look(): Promise<void> {
    this.#looking = this.#read().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  async #read(): Promise<void> {
    this.#refreshedAtMs = this.#clock.monotonic()
    const next = new Map<string, JobType>()
    const delivered = new Map<string, number>()
    for (const lane of await this.#lanes.list()) {
      delivered.set(lane.type, (delivered.get(lane.type) ?? 0) + lane.delivered)
      const before = this.#types.get(lane.type)
      const isSame = before !== undefined && JSON.stringify(before.info) === JSON.stringify(lane.info)
      next.set(lane.type, isSame ? before : { info: lane.info, payload: toSchema(lane.info.payload_schema) })
    }
    this.#types = next
    this.#samples = [...this.#samples, { atMs: this.#clock.monotonic(), delivered }].slice(-SAMPLES)
  }
}

/** Read when the first job of the type comes: the compiler of schemas takes a while to load. */
const toSchema = (schema: JobTypeInfo['payload_schema']): z.ZodType | null =>
  schema === null ? null : z.lazy(() => fromJsonSchema(schema))
