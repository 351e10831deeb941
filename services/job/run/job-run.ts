import type { Appended, AppendOptions, EventBody } from '#shared/bus/job-history.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import { HEADERS, type TriggerEvent } from '#shared/contracts/log/events.ts'
import { isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import { sentOn } from '#shared/trace/traceparent.ts'
import type { OpenSpan } from '#shared/trace/tracing.ts'
import type { Place } from '../isolate/isolation.ts'
import { MadeJobs } from '../make/made-jobs.ts'
import { triggerAfter } from '../pull/trigger.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { Hold } from './hold.ts'

/** An attempt that runs before its `job:started` is stored. */
interface HeldBackStart {
  body: Extract<EventBody, { event: 'job:started' }>
  /** RFC 3339 in UTC. */
  at: string
}

/**
 * One job that this worker holds: its trigger, the hold by which the process can ask for it back, and the
 * compare-and-set chain of its events. Only one publish of a job is under way at a time, because each compares with the
 * sequence that the one before it got.
 */
export class JobRun {
  #delivery: Delivery
  readonly spec: TriggerEvent
  readonly hold: Hold
  readonly receivedAtMs: number
  /** The sequence after which the trigger may start the job. */
  readonly after: number
  /** The place of its attempts, once the job is known to have crashed a worker. */
  place: Place | null = null
  /** The span of the attempt that is under way; null where none is recorded. */
  span: OpenSpan | null = null
  /** The trace context that the job came with; null: none, or one that is not recorded. */
  readonly traceparent: string | null
  readonly made: MadeJobs
  readonly #deps: Pick<WorkerDeps, 'history' | 'clock' | 'log'>
  #chain: Promise<unknown> = Promise.resolve()
  /** Sequence at which the job's history must end for the next event to be stored. */
  #lastSeq: number
  #heldBack: HeldBackStart | null = null

  constructor(deps: Pick<WorkerDeps, 'history' | 'clock' | 'log'>, delivery: Delivery, spec: TriggerEvent) {
    this.#deps = deps
    this.#delivery = delivery
    this.spec = spec
    this.hold = new Hold(spec, delivery.seq)
    this.receivedAtMs = deps.clock.monotonic()
    this.after = triggerAfter(delivery)
    this.traceparent = delivery.header(HEADERS.traceparent) || null
    this.made = new MadeJobs(spec.children ?? [])
    this.#lastSeq = this.after
  }

  /** The trace context of what the attempt under way causes. */
  get attemptTraceparent(): string | null {
    return sentOn(this.span?.traceparent ?? this.traceparent)
  }

  /** The delivery that is acked in the end. */
  get delivery(): Delivery {
    return this.#delivery
  }

  /** Takes a later delivery of the same message for the one that is acked: a lane may have been replaced. */
  redelivered(delivery: Delivery): void {
    this.#delivery = delivery
  }

  /** The payload as the job was created with it: the handler may have changed its copy. */
  originalPayload(): unknown {
    return (JSON.parse(this.delivery.body) as TriggerEvent).payload
  }

  /** Publishes the job's next event after everything published before; never gives up while the process lives. */
  publish(event: EventBody, nonce?: string, after?: number): Promise<Appended> {
    return this.#inTurn(async () => {
      const start = this.#heldBack
      if (start !== null && canTellStart(event)) {
        // If the event is too large to be sent, the one in its place tells the start.
        const appended = await this.#publishNow({ ...event, started_at: start.at })
        this.#heldBack = null
        return appended
      }
      await this.#publishStart()
      return this.#publishNow(event, {
        ...(nonce === undefined ? {} : { nonce }),
        ...(after === undefined ? {} : { after }),
      })
    })
  }

  /** Continues after an event of this attempt that another process stored. */
  continueAfter(seq: number): void {
    this.#lastSeq = seq
  }

  /** Holds `job:started` back: the attempt runs already, and its outcome can tell when it started. */
  holdBackStart(body: HeldBackStart['body'], at: string): void {
    this.#heldBack = { body, at }
  }

  /** Publishes the start that is held back, unless another event was faster. */
  publishStart(): void {
    this.#inTurn(() => this.#publishStart()).catch((error: unknown) =>
      this.#deps.log.error({ err: error, job_id: this.spec.job_id }, 'could not store the start of an attempt'),
    )
  }

  #inTurn<T>(publish: () => Promise<T>): Promise<T> {
    const turn = this.#chain.then(publish)
    this.#chain = turn.catch(() => undefined)
    return turn
  }

  async #publishStart(): Promise<void> {
    const start = this.#heldBack
    if (start === null) return
    const { kind } = await this.#publishNow(start.body, { at: start.at })
    this.#heldBack = null
    if (kind === 'refused') this.hold.supersede()
  }

  /** The end of a job names the attempt that ended it, for what follows from it. */
  #headersOf({ event }: EventBody): { headers?: Record<string, string> } {
    const traceparent = isTerminalEvent(event) ? this.attemptTraceparent : this.traceparent
    return traceparent === null ? {} : { headers: { [HEADERS.traceparent]: traceparent } }
  }

  async #publishNow(event: EventBody, options: Partial<AppendOptions> = {}): Promise<Appended> {
    const appended = await this.#deps.history.append(this.spec, event, {
      after: this.#lastSeq,
      deadlineMs: Number.POSITIVE_INFINITY,
      ...this.#headersOf(event),
      ...options,
    })
    if (appended.kind === 'stored') this.#lastSeq = appended.seq
    return appended
  }
}

type Outcome = Extract<EventBody, { event: 'job:finished' | 'job:failed' | 'job:retrying' }>

const canTellStart = (body: EventBody): body is Outcome =>
  body.event === 'job:finished' || body.event === 'job:failed' || body.event === 'job:retrying'
