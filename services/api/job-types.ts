import { z } from 'zod'
import type { LaneInfo } from '#shared/bus/topology.ts'
import type { JobTypeInfo } from '#shared/contracts/job-type.ts'
import { type Clock, SECOND } from '#shared/runtime/clock.ts'
import { AppError, unavailable } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logger.ts'
import { IntervalLoop } from '#shared/runtime/loop.ts'

export interface JobType {
  info: JobTypeInfo
  /** null takes any payload. */
  payload: z.ZodType | null
}

const REFRESH_MS = 5 * SECOND
/** An unknown type makes us look again, at most this often. */
const LOOK_AGAIN_MS = 1 * SECOND

/** The job types there are: what the lanes at the broker say, kept fresh. */
export class JobTypes {
  readonly #listLanes: () => Promise<LaneInfo[]>
  readonly #clock: Clock
  readonly #loop: IntervalLoop
  #types = new Map<string, JobType>()
  #refreshedAtMs = Number.NEGATIVE_INFINITY

  constructor(listLanes: () => Promise<LaneInfo[]>, clock: Clock, log: Logger) {
    this.#listLanes = listLanes
    this.#clock = clock
    this.#loop = new IntervalLoop(
      REFRESH_MS,
      () => this.#refresh(),
      (error) => log.debug({ err: error }, 'job types could not be read'),
    )
  }

  /** @throws when the broker does not answer */
  async start(): Promise<void> {
    await this.#refresh()
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** @throws AppError `unknown-type` that names the known ones */
  async get(type: string): Promise<JobType> {
    const known = this.#types.get(type)
    if (known !== undefined) return known
    await this.#lookAgain()
    const found = this.#types.get(type)
    if (found !== undefined) return found
    const names = [...this.#types.keys()].toSorted()
    throw new AppError(
      'unknown-type',
      `There is no job type "${type}". Known: ${names.slice(0, 50).join(', ') || 'none'}.`,
      {
        members: { errors: [{ pointer: '/type', detail: 'is not a known job type' }], known_types: names.slice(0, 50) },
      },
    )
  }

  async #lookAgain(): Promise<void> {
    if (this.#clock.monotonic() - this.#refreshedAtMs < LOOK_AGAIN_MS) return
    try {
      await this.#refresh()
    } catch (error) {
      throw unavailable('The job types cannot be read from the broker.', error)
    }
  }

  async #refresh(): Promise<void> {
    this.#refreshedAtMs = this.#clock.monotonic()
    const next = new Map<string, JobType>()
    for (const lane of await this.#listLanes()) {
      const before = this.#types.get(lane.type)
      const isSame = before !== undefined && JSON.stringify(before.info) === JSON.stringify(lane.info)
      next.set(lane.type, isSame ? before : { info: lane.info, payload: toSchema(lane.info.payload_schema) })
    }
    this.#types = next
  }
}

const toSchema = (schema: JobTypeInfo['payload_schema']): z.ZodType | null =>
  schema === null ? null : z.fromJSONSchema(schema)
