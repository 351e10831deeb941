import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Gauge, gauge, type Registry } from '#shared/process/metrics.ts'
import { type Clock, clocksAgree, SECOND, systemClock } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import type { Broker } from './connection.ts'

// The broker's time is the one that every service sees: it is what stored messages carry, and what timers fire by. Here
// it is worked out from the broker's answers and the monotonic clock, so that a wall clock that is set to another time
// changes nothing that a service decides. The wall clock is only compared with it, and a difference is told.

export interface BrokerClockOptions {
  broker: Pick<Broker, 'nc' | 'isUp'>
  /** An API subject that this service's user may ask, and whose answer carries the broker's time. */
  subject: string
  registry: Registry
  log: Logger
  /** The machine's. */
  system?: Clock
}

export const streamInfoSubject = (stream: string): string => `$JS.API.STREAM.INFO.${stream}`
export const consumerInfoSubject = (consumer: string): string => `$JS.API.CONSUMER.INFO.${JOBS_STREAM}.${consumer}`

const ANSWER_WITHIN_MS = 2 * SECOND
const FIRST_ASKED = 4
const LOOK_EVERY_MS = 1 * SECOND
const ASK_EVERY_MS = 5 * SECOND
/** The wall clock moved against the monotonic one: it was set, or the machine slept and the monotonic clock with it. */
const JUMP_MS = 500

export class BrokerClock implements Clock {
  readonly #options: BrokerClockOptions
  readonly #system: Clock
  readonly #loop: IntervalLoop
  readonly #offset: Gauge
  /** Broker's time less monotonic time; null until the broker has answered once. */
  #baseMs: number | null = null
  #askedAtMs = Number.NEGATIVE_INFINITY
  #lastOffsetMs = 0
  #saidWrong = false

  private constructor(options: BrokerClockOptions) {
    this.#options = options
    this.#system = options.system ?? systemClock
    this.#loop = new IntervalLoop(
      LOOK_EVERY_MS,
      () => this.#look(),
      (error) => options.log.debug({ err: error }, "the broker's time could not be asked"),
    )
    this.#offset = gauge(
      options.registry,
      'hasty_clock_offset_seconds',
      "How far this process's wall clock is ahead of the broker's, once a second",
    )
  }

  /** Where the broker does not say its time, the wall clock counts until it does, and is not trusted. */
  static async start(options: BrokerClockOptions): Promise<BrokerClock> {
    const clock = new BrokerClock(options)
    // Several times: the first answer in the life of a process is a slow one, and tells less.
    for (let asked = 0; asked < FIRST_ASKED; asked++) {
      await clock.#ask().catch((error: unknown) => options.log.warn({ err: error }, 'the broker did not say its time'))
    }
    clock.#tell()
    clock.#loop.start()
    return clock
  }

  /** The broker's time, whatever the wall clock says. */
  now(): number {
    return this.#baseMs === null ? this.#system.now() : Math.floor(this.#baseMs + this.#system.monotonic())
  }

  monotonic(): number {
    return this.#system.monotonic()
  }

  /** How far the wall clock is ahead of the broker's. */
  offsetMs(): number {
    return this.#system.now() - this.now()
  }

  /**
   * Whether both clocks say the same. While they do not nobody knows which one is wrong, so nothing is deleted for its
   * age: everything else goes by the broker's.
   */
  isTrusted(): boolean {
    return this.#baseMs !== null && clocksAgree(this.#system.now(), this.now())
  }

  /** For /readyz: a service whose wall clock is wrong still serves. */
  describe(): string {
    if (this.#baseMs === null) return "the broker's time is not known: nothing is deleted for its age"
    if (this.isTrusted()) return 'ok'
    const offsetS = Math.round(this.offsetMs() / SECOND)
    const where = offsetS > 0 ? `${offsetS} s ahead of` : `${-offsetS} s behind`
    return `this machine's clock is ${where} the broker's: nothing is deleted for its age until they agree`
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #look(): Promise<void> {
    const offsetMs = this.offsetMs()
    const hasJumped = Math.abs(offsetMs - this.#lastOffsetMs) > JUMP_MS
    const isDue = this.#system.monotonic() - this.#askedAtMs >= ASK_EVERY_MS
    try {
      if ((isDue || hasJumped) && this.#options.broker.isUp()) await this.#ask()
    } finally {
      this.#tell()
      this.#lastOffsetMs = this.offsetMs()
    }
  }

  async #ask(): Promise<void> {
    const { broker, subject } = this.#options
    const sentMs = this.#system.monotonic()
    const answer = await broker.nc.request(subject, '', { timeout: ANSWER_WITHIN_MS })
    const receivedMs = this.#system.monotonic()
    const { ts, error } = answer.json<{ ts?: string; error?: { description?: string } }>()
    const brokerMs = typeof ts === 'string' ? exactMs(ts) : Number.NaN
    if (Number.isNaN(brokerMs)) throw new Error(`the broker does not say its time: ${error?.description ?? 'no ts'}`)
    this.#askedAtMs = receivedMs
    this.#baseMs = nextBase(this.#baseMs, { brokerMs, sentMs, receivedMs })
  }

  /** A difference is said when it begins and when it ends. */
  #tell(): void {
    const { log } = this.#options
    this.#offset.set(this.offsetMs() / SECOND)
    const isWrong = this.#baseMs !== null && !this.isTrusted()
    if (isWrong === this.#saidWrong) return
    this.#saidWrong = isWrong
    const about = { offset_ms: this.offsetMs() }
    if (isWrong) log.warn(about, "this machine's clock is not the broker's: nothing is deleted for its age meanwhile")
    else log.info(about, "this machine's clock is the broker's again")
  }
}

/** With what is below a millisecond: cut off, it would make a clock that is right look ahead, and be set back. */
const exactMs = (time: string): number => Date.parse(time) + Number(`0.${/\.\d{3}(\d+)/.exec(time)?.[1] ?? 0}`)

export interface TimeSample {
  /** What the broker said. */
  brokerMs: number
  /** Monotonic times around it. */
  sentMs: number
  receivedMs: number
}

/**
 * The broker spoke some time between the question and its answer. The least that follows is taken, so that nothing is
 * done before the broker's clock says that it is time; and a slow answer moves nothing that a quick one has told.
 * @param baseMs broker's time less monotonic time, as it was known
 */
export function nextBase(baseMs: number | null, { brokerMs, sentMs, receivedMs }: TimeSample): number {
  const least = brokerMs - receivedMs
  const isPossible = baseMs !== null && baseMs <= brokerMs - sentMs
  return isPossible ? Math.max(baseMs, least) : least
}
