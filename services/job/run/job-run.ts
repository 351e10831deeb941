import type { Appended, EventBody } from '#shared/bus/job-history.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import { HEADERS, type TriggerEvent } from '#shared/contracts/log/events.ts'
import type { Place } from '../isolate/isolation.ts'
import { triggerAfter } from '../pull/trigger.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { Hold } from './hold.ts'

/**
 * One job that this worker holds: its trigger, the hold by which the process can ask for it back, and the
 * compare-and-set chain of its events. Only one publish of a job is under way at a time, because each compares with the
 * sequence that the one before it got.
 */
export class JobRun {
  readonly delivery: Delivery
  readonly spec: TriggerEvent
  readonly hold: Hold
  readonly receivedAtMs: number
  /** The sequence after which the trigger may start the job. */
  readonly after: number
  /** The place of its attempts, once the job is known to have crashed a worker. */
  place: Place | null = null
  readonly #deps: WorkerDeps
  readonly #headers: Record<string, string> | undefined
  #chain: Promise<unknown> = Promise.resolve()
  /** Sequence at which the job's history must end for the next event to be stored. */
  #lastSeq: number

  constructor(deps: WorkerDeps, delivery: Delivery, spec: TriggerEvent) {
    this.#deps = deps
    this.delivery = delivery
    this.spec = spec
    this.hold = new Hold(spec, delivery.seq)
    this.receivedAtMs = deps.clock.monotonic()
    this.after = triggerAfter(delivery)
    const traceparent = delivery.header(HEADERS.traceparent)
    this.#headers = traceparent === '' ? undefined : { [HEADERS.traceparent]: traceparent }
    this.#lastSeq = this.after
  }

  /** The payload as the job was created with it: the handler may have changed its copy. */
  originalPayload(): unknown {
    return (JSON.parse(this.delivery.body) as TriggerEvent).payload
  }

  /** Publishes the job's next event after everything published before; never gives up while the process lives. */
  publish(event: EventBody, nonce?: string, after?: number): Promise<Appended> {
    const turn = this.#chain.then(() => this.#publishNow(event, nonce, after ?? this.#lastSeq))
    this.#chain = turn.catch(() => undefined)
    return turn
  }

  async #publishNow(event: EventBody, nonce: string | undefined, after: number): Promise<Appended> {
    const appended = await this.#deps.history.append(this.spec, event, {
      after,
      deadlineMs: Number.POSITIVE_INFINITY,
      ...(nonce === undefined ? {} : { nonce }),
      ...(this.#headers === undefined ? {} : { headers: this.#headers }),
    })
    if (appended.kind === 'stored') this.#lastSeq = appended.seq
    return appended
  }
}
