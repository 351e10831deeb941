import type { Logger } from '#shared/process/logger.ts'
import { type Gauge, gauge, type Registry } from '#shared/process/metrics.ts'
import { type Clock, clocksAgree, SECOND, systemClock } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import type { Broker } from './connection.ts'

// The broker's time is the one that every service sees: stored messages carry it, and timers fire by it. Here it is
// worked out from the broker's answers and the monotonic clock, so that a wall clock that is set to another time
// changes nothing that a service decides. The wall clock is only compared with it, and a difference is logged.

export interface BrokerClockOptions {
  broker: Pick<Broker, 'nc' | 'isUp'>
  /** An API subject that this service's user may request, and whose answer carries the broker's time. */
  subject: string
  registry: Registry
  log: Logger
  /** The machine's clock. */
  system?: Clock
}

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
  /** Broker's time minus monotonic time; null until the broker has answered once. */
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
      (error) => options.log.debug({ err: error }, 'could not ask the broker for its time'),
    )
    this.#offset = gauge(
      options.registry,
      'hasty_clock_offset_seconds',
      "How far this process's wall clock is ahead of the broker's, once a second",
    )
  }

  /** Starts the clock. While the broker does not tell its time, the wall clock is used, and is not trusted. */
  static async start(options: BrokerClockOptions): Promise<BrokerClock> {
    const clock = new BrokerClock(options)
    // Several times: the first answer in the life of a process is slow, and so less exact.
    for (let asked = 0; asked < FIRST_ASKED; asked++) {
      await clock.#ask().catch((error: unknown) => options.log.warn({ err: error }, 'the broker did not tell its time'))
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
   * Whether both clocks agree. While they do not, nobody knows which one is wrong, so nothing is deleted because of its
   * age: everything else goes by the broker's clock.
   */
  isTrusted(): boolean {
    return this.#baseMs !== null && clocksAgree(this.#system.now(), this.now())
  }

  /** A line for /readyz: a service whose wall clock is wrong still serves. */
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
    if (Number.isNaN(brokerMs)) throw new Error(`the broker does not tell its time: ${error?.description ?? 'no ts'}`)
    this.#askedAtMs = receivedMs
    this.#baseMs = nextBase(this.#baseMs, { brokerMs, sentMs, receivedMs })
  }

  /** Logs a difference when it begins and when it ends. */
  #tell(): void {
    const { log } = this.#options
    this.#offset.set(this.offsetMs() / SECOND)
    const isWrong = this.#baseMs !== null && !this.isTrusted()
    if (isWrong === this.#saidWrong) return
    this.#saidWrong = isWrong
    const about = { offset_ms: this.offsetMs() }
    if (isWrong)
      log.warn(
        about,
        "this machine's clock differs from the broker's: nothing is deleted because of its age until they agree",
      )
    else log.info(about, "this machine's clock agrees with the broker's again")
  }
}

/**
 * A timestamp with its fraction of a millisecond: without the fraction, a correct clock would seem to be ahead and be
 * set back.
 */
const exactMs = (time: string): number => Date.parse(time) + Number(`0.${/\.\d{3}(\d+)/.exec(time)?.[1] ?? 0}`)

export interface TimeSample {
  /** The time in the broker's answer. */
  brokerMs: number
  /** Monotonic times before the question and after the answer. */
  sentMs: number
  receivedMs: number
}

/**
 * The broker took its time somewhere between the question and the answer. The earliest possible time is taken, so that
 * nothing is done before the broker's clock says that it is time; and a slow answer does not change what a quick one
 * has told.
 * @param baseMs broker's time minus monotonic time, as known so far
 */
export function nextBase(baseMs: number | null, { brokerMs, sentMs, receivedMs }: TimeSample): number {
  const least = brokerMs - receivedMs
  const isPossible = baseMs !== null && baseMs <= brokerMs - sentMs
  return isPossible ? Math.max(baseMs, least) : least
}
