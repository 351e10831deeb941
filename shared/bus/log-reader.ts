import type { NatsConnection } from '@nats-io/transport-node'
import type { LastEvent } from '#shared/contracts/log/decide.ts'
import { CONTRACT_VERSION, HEADERS, type JobEvent, type LoggedEvent } from '#shared/contracts/log/events.ts'
import {
  historyFilter,
  historyFilterById,
  JOBS_STREAM,
  type JobAddress,
  parseSubject,
} from '#shared/contracts/log/subjects.ts'
import { brokerTime } from './broker-time.ts'
import { parseEvent, readEvent } from './read-event.ts'

export interface LogMessage {
  subject: string
  seq: number
  /** Broker's time of storing, ISO. */
  time: string
  headers: Map<string, string>
  body: string
}

type Query =
  | { seq: number }
  | { last_by_subj: string }
  | { seq: number; next_by_subj: string }
  | { start_time: string; next_by_subj: string }

interface GetAnswer {
  message?: { subject: string; seq: number; time: string; hdrs?: string; data?: string }
  error?: { err_code?: number; code?: number; description?: string }
}

const NO_MESSAGE = 10037
const READ_TIMEOUT_MS = 1_500
/** One read an event: a longer history (progress every second for an hour) is the projection's to fold. */
const HISTORY_LIMIT = 2_000

/** Reads the log through the stream's leader: never stale, also right after an ack on a cluster. */
export class LogReader {
  readonly #nc: NatsConnection
  readonly #stream: string

  constructor(nc: NatsConnection, stream: string = JOBS_STREAM) {
    this.#nc = nc
    this.#stream = stream
  }

  /** @throws when the broker does not answer */
  async #get(query: Query): Promise<LogMessage | null> {
    const reply = await this.#nc.request(`$JS.API.STREAM.MSG.GET.${this.#stream}`, JSON.stringify(query), {
      timeout: READ_TIMEOUT_MS,
    })
    const answer = reply.json<GetAnswer>()
    if (answer.error !== undefined) {
      if (answer.error.err_code === NO_MESSAGE || answer.error.code === 404) return null
      throw new Error(`reading the log: ${answer.error.description ?? 'refused'}`)
    }
    if (answer.message === undefined) return null
    const { subject, seq, time, hdrs, data } = answer.message
    return {
      subject,
      seq,
      time,
      headers: parseHeaders(hdrs),
      body: data === undefined ? '' : Buffer.from(data, 'base64').toString('utf8'),
    }
  }

  atSequence(seq: number): Promise<LogMessage | null> {
    return this.#get({ seq })
  }

  /** The last message on a subject or filter. */
  lastOf(filter: string): Promise<LogMessage | null> {
    return this.#get({ last_by_subj: filter })
  }

  /** The first message on a filter at or after a sequence. */
  nextOf(filter: string, fromSeq: number): Promise<LogMessage | null> {
    return this.#get({ seq: fromSeq, next_by_subj: filter })
  }

  /** The first message on a filter that was stored after a time. @param ns nanoseconds since 1970 */
  nextStoredAfter(filter: string, ns: string): Promise<LogMessage | null> {
    return this.#get({ start_time: brokerTime(BigInt(ns) + 1n), next_by_subj: filter })
  }

  /** The last event of a job's history, as the worker's decision needs it; null when the log has none. */
  async lastEvent(job: JobAddress): Promise<LastEvent | null> {
    const message = await this.lastOf(historyFilter(job))
    if (message === null) return null
    const subject = parseSubject(message.subject)
    if (subject === null || subject.event === 'job:due' || subject.event === 'job:timer') {
      throw new Error(`not a history event: ${message.subject}`)
    }
    const event = parseEvent(message.body)
    return {
      event: subject.event,
      seq: message.seq,
      nonce: message.headers.get(HEADERS.nonce) ?? '',
      ...(event === null ? { isUnreadable: true, isNewer: isNewer(message) } : aboutRun(event)),
    }
  }

  /**
   * Everything the log still has of one job, in order.
   * Costs two reads of the last event by bare id or address, then one an event.
   */
  async history(job: JobAddress | string, fromSeq = 1): Promise<{ seq: number; event: LoggedEvent }[]> {
    const last = await this.lastOf(typeof job === 'string' ? historyFilterById(job) : historyFilter(job))
    const address = last === null ? null : parseSubject(last.subject)
    if (last === null || address === null) return []
    const filter = historyFilter(address)
    const events: { seq: number; event: LoggedEvent }[] = []
    for (let from = fromSeq; from <= last.seq; ) {
      if (events.length === HISTORY_LIMIT) throw new Error(`more than ${HISTORY_LIMIT} events of one job`)
      const message = await this.nextOf(filter, from)
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
  const { trigger, attempt, crashes, worker_id } = event
  return { trigger, attempt, crashes, worker_id }
}

const isNewer = ({ headers }: LogMessage): boolean => Number(headers.get(HEADERS.contract) ?? 0) > CONTRACT_VERSION

function parseHeaders(base64: string | undefined): Map<string, string> {
  const headers = new Map<string, string>()
  if (base64 === undefined) return headers
  const lines = Buffer.from(base64, 'base64').toString('utf8').split('\r\n')
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}
