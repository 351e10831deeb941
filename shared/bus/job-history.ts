import type { LastEvent } from '#shared/contracts/log/decide.ts'
import {
  CONTRACT_VERSION,
  type CreatedEvent,
  HEADERS,
  type JobEvent,
  type LoggedEvent,
  type ScheduledEvent,
} from '#shared/contracts/log/events.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import { tagsMember, tenantMember } from '#shared/contracts/log/job-spec.ts'
import {
  dueSubject,
  eventSubject,
  historyFilter,
  historyFilterById,
  isTerminalEvent,
  type JobAddress,
  parseSubject,
  timerSubject,
} from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { type BeginOptions, firstPublication } from './first-publication.ts'
import type { StreamMessage } from './get-message.ts'
import type { PublishResult } from './publication.ts'
import type { Publisher, PublishOptions } from './publisher.ts'
import { parseEvent, readEvent } from './read-event.ts'
import type { Stream } from './stream.ts'

/** Members that every event of a job has. */
export interface JobIdentity extends JobAddress {
  object_id: string
  tenant?: string | null | undefined
  tags?: string[] | undefined
}

type CommonMember = 'job_id' | 'object_id' | 'tenant' | 'tags' | 'type' | 'at'
// Distributes over the union, so that each event keeps its own members.
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never
/** An event without the members that `append` adds. */
export type EventBody = Without<
  { [E in JobEvent as E['event']]: { [M in keyof E as string extends M ? never : M]: E[M] } }[JobEvent['event']],
  CommonMember
>

export interface AppendOptions extends Partial<PublishOptions> {
  /** The sequence at which the job's history must end; 0: the log must have nothing of the job. */
  after: number
  /** Mark by which the writer recognises its own event; a new one by default. */
  nonce?: string
  headers?: Record<string, string>
  /** When it happened, RFC 3339 in UTC; now by default. */
  at?: string
}

export type Appended = { kind: 'stored'; seq: number; event: JobEvent } | { kind: 'refused' }

/**
 * Longest history that is read, with one request for each event: a longer one (progress every second for an hour) is
 * left to the projection.
 */
const HISTORY_LIMIT = 2_000
/** Attempts to cancel: a running job may report progress in between, which moves its history on. */
const CANCEL_TRIES = 20

export interface JobHistoryDeps {
  /** The log of jobs. */
  stream: Stream
  publisher: Pick<Publisher, 'publish'>
  clock: Pick<Clock, 'now'>
}

/**
 * The histories of jobs in the log. An event is stored only while the job's history still ends where its writer
 * believes: compare-and-set, which makes every repeat and every rival harmless.
 */
export class JobHistory {
  readonly #stream: Stream
  readonly #publisher: Pick<Publisher, 'publish'>
  readonly #clock: Pick<Clock, 'now'>

  constructor({ stream, publisher, clock }: JobHistoryDeps) {
    this.#stream = stream
    this.#publisher = publisher
    this.#clock = clock
  }

  /**
   * Stores the first event of a job whose id follows from something else (a claim, a tick, an end, a task, a parent): however
   * often, and by however many replicas, this is done, there is exactly one job.
   * @returns false when the job existed already
   * @throws as Publisher.publish
   */
  async begin(event: CreatedEvent | ScheduledEvent, options: Omit<BeginOptions, 'msgId'> = {}): Promise<boolean> {
    const first = firstPublication(event, { once: 'same-address', ...options })
    return (await this.#publisher.publish(first)).kind === 'stored'
  }

  /**
   * Stores the next event of a job, and adds the time and the members that all its events have.
   * @throws as Publisher.publish
   */
  async append(
    job: JobIdentity,
    body: EventBody,
    { after, nonce, headers, at, ...options }: AppendOptions,
  ): Promise<Appended> {
    const event = {
      ...body,
      job_id: job.job_id,
      object_id: job.object_id,
      ...tenantMember(job.tenant ?? null),
      ...tagsMember(job.tags),
      type: job.type,
      at: at ?? isoTime(this.#clock.now()),
    } as JobEvent
    const result = await this.#publisher.publish(
      {
        subject: eventSubject(body.event, job),
        body: JSON.stringify(event),
        nonce: nonce ?? newNonce(),
        conflictKey: job.job_id,
        expect: { seq: after, filter: historyFilter(job) },
        ...(headers === undefined ? {} : { headers }),
      },
      options,
    )
    return result.kind === 'stored' ? { kind: 'stored', seq: result.seq, event } : { kind: 'refused' }
  }

  /**
   * Makes the broker send the event's content as `job:due` at a time, for as long as the event is the job's last:
   * arming twice, firing twice and cancelling late are all harmless.
   * @param event the delayed event, as it was delivered
   * @param dueAt RFC 3339 in UTC
   * @throws as Publisher.publish
   */
  armTimer(
    job: JobAddress,
    event: { seq: number; body: string; traceparent: string },
    dueAt: string,
    options: Partial<PublishOptions>,
  ): Promise<PublishResult> {
    return this.#publisher.publish(
      {
        subject: timerSubject(job),
        body: event.body,
        nonce: newNonce(),
        conflictKey: job.job_id,
        expect: { seq: event.seq, filter: historyFilter(job) },
        headers: {
          [HEADERS.after]: String(event.seq),
          ...(event.traceparent === '' ? {} : { [HEADERS.traceparent]: event.traceparent }),
        },
        schedule: { at: dueAt, target: dueSubject(job) },
      },
      options,
    )
  }

  /**
   * Ends a job that has not ended. Nothing happens where the log has no event of the job.
   * @throws AppError `unavailable`
   */
  async cancel(job: JobIdentity, error: JobError): Promise<void> {
    for (let tries = 0; tries < CANCEL_TRIES; tries++) {
      // The last event alone: the log may have dropped the job's beginning already.
      const last = await this.last(job)
      if (last === null || isTerminalEvent(last.event)) return
      const body = { event: 'job:cancelled', reason: 'requested', error } as const
      if ((await this.append(job, body, { after: last.seq })).kind === 'stored') return
    }
    throw unavailable('Too many others are changing this job. Try again.')
  }

  /** The last event of a job, as the worker's decision needs it; null when the log has none. */
  async last(job: JobAddress): Promise<LastEvent | null> {
    return (await this.lastWhole(job))?.about ?? null
  }

  /** The last event of a job with its content, which is null where this version cannot read it. */
  async lastWhole(job: JobAddress): Promise<{ about: LastEvent; event: JobEvent | null } | null> {
    const message = await this.#stream.lastOf(historyFilter(job))
    if (message === null) return null
    const subject = parseSubject(message.subject)
    if (subject === null || subject.event === 'job:due' || subject.event === 'job:timer') {
      throw new Error(`not a history event: ${message.subject}`)
    }
    const event = parseEvent(message.body)
    const about = {
      event: subject.event,
      seq: message.seq,
      nonce: message.headers.get(HEADERS.nonce) ?? '',
      ...(event === null ? { isUnreadable: true, isNewer: isNewer(message) } : aboutRun(event)),
    }
    return { about, event }
  }

  /**
   * Everything that the log still has of one job, in order. Costs two reads to find the last event by bare id or
   * address, then one for each event.
   */
  async all(job: JobAddress | string, fromSeq = 1): Promise<{ seq: number; event: LoggedEvent }[]> {
    const last = await this.#stream.lastOf(typeof job === 'string' ? historyFilterById(job) : historyFilter(job))
    const address = last === null ? null : parseSubject(last.subject)
    if (last === null || address === null) return []
    const filter = historyFilter(address)
    const events: { seq: number; event: LoggedEvent }[] = []
    for (let from = fromSeq; from <= last.seq; ) {
      if (events.length === HISTORY_LIMIT) throw new Error(`more than ${HISTORY_LIMIT} events of one job`)
      const message = await this.#stream.nextOf(filter, from)
      if (message === null) break
      const event = readEvent(message)
      if (event !== null) events.push({ seq: message.seq, event })
      from = message.seq + 1
    }
    return events
  }
}

function aboutRun(event: JobEvent): Partial<LastEvent> {
  if (event.event !== 'job:started' && event.event !== 'job:progress' && event.event !== 'job:released') return {}
  const { trigger, attempt, crashes, worker_id, at } = event
  const lent = event.event === 'job:released' ? undefined : event.lent
  if (lent === undefined) return { trigger, attempt, crashes, worker_id, at }
  const lease = { untilMs: Date.parse(lent.lease_until), deadlineMs: Date.parse(lent.deadline_at) }
  return { trigger, attempt, crashes, worker_id, at, lease }
}

const isNewer = ({ headers }: StreamMessage): boolean => Number(headers.get(HEADERS.contract) ?? 0) > CONTRACT_VERSION
