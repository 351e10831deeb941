import { type Delivery, triggerAfter } from '#shared/bus/lane-puller.ts'
import type { Publication, PublishResult } from '#shared/bus/publisher.ts'
import { HEADERS, type JobEvent, type TriggerEvent } from '#shared/contracts/log/events.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { eventSubject, historyFilter } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { Place } from './isolate/isolation.ts'
import type { WorkerDeps } from './worker-deps.ts'

/** Members that every event of this job has. */
type AboutJob = 'job_id' | 'object_id' | 'type' | 'at'
// Distributes over the union, so that each event keeps its own members.
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never
/** An event without what the run itself adds. */
export type EventBody = Without<
  { [E in JobEvent as E['event']]: { [M in keyof E as string extends M ? never : M]: E[M] } }[JobEvent['event']],
  AboutJob
>

/**
 * One job as this worker holds it: its trigger, and the compare-and-set chain of its events. Only one publish of a
 * job is under way at a time, because each compares with the sequence the one before it got.
 */
export class JobRun {
  readonly delivery: Delivery
  readonly spec: TriggerEvent
  readonly receivedAtMs: number
  /** The sequence after which the trigger may start the job. */
  readonly after: number
  /** Where its attempts run, once it is known to have crashed a worker. */
  place: Place | null = null
  readonly #deps: WorkerDeps
  readonly #traceparent: string
  #chain: Promise<unknown> = Promise.resolve()
  /** Where the job's history must end for the next event to be stored. */
  #lastSeq: number

  constructor(deps: WorkerDeps, delivery: Delivery, spec: TriggerEvent) {
    this.#deps = deps
    this.delivery = delivery
    this.spec = spec
    this.receivedAtMs = deps.clock.monotonic()
    this.after = triggerAfter(delivery)
    this.#traceparent = delivery.header(HEADERS.traceparent)
    this.#lastSeq = this.after
  }

  /** What the job was given: its handler may have changed the payload that it got. */
  originalPayload(): unknown {
    return (JSON.parse(this.delivery.body) as TriggerEvent).payload
  }

  /** Publishes the job's next event after everything published before it; never gives up while the process lives. */
  publish(event: EventBody, nonce: string = newNonce(), after?: number): Promise<PublishResult> {
    const turn = this.#chain.then(() => this.#publishNow(event, nonce, after ?? this.#lastSeq))
    this.#chain = turn.catch(() => undefined)
    return turn
  }

  async #publishNow(event: EventBody, nonce: string, after: number): Promise<PublishResult> {
    const { spec } = this
    const body = {
      ...event,
      job_id: spec.job_id,
      object_id: spec.object_id,
      ...tenantMember(spec.tenant ?? null),
      type: spec.type,
      at: isoTime(this.#deps.clock.now()),
    }
    const publication: Publication = {
      subject: eventSubject(event.event, spec),
      body: JSON.stringify(body),
      nonce,
      jobId: spec.job_id,
      expect: { seq: after, filter: historyFilter(spec) },
      ...(this.#traceparent === '' ? {} : { headers: { [HEADERS.traceparent]: this.#traceparent } }),
    }
    const result = await this.#deps.publisher.publish(publication, { deadlineMs: Number.POSITIVE_INFINITY })
    if (result.kind === 'stored') this.#lastSeq = result.seq
    return result
  }
}
