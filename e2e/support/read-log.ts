import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type JobEvent, jobEventSchema } from '#shared/contracts/log/events.ts'
import { JOBS_STREAM, LOG_PROBE, parseSubject } from '#shared/contracts/log/subjects.ts'

/** One message of the stream JOBS, as the broker has it. */
export interface LogEntry {
  seq: number
  subject: string
  /** When the broker stored it, milliseconds. */
  timeMs: number
  /** Sequence of the job's last event that the writer compared with; null without a comparison. */
  expectedSeq: number | null
  /** null: a timer, a trigger, or something unreadable. */
  event: JobEvent | null
}

/** A test's own connection to the broker, independent of Hasty's code. */
export const connectTest = (url: string): Promise<NatsConnection> =>
  connect({ servers: url, name: 'test', maxReconnectAttempts: -1, reconnectTimeWait: 100 })

/** An event that follows the contract strictly: bodies that Hasty's readers would repair are refused. */
function strictEvent(body: string): JobEvent | null {
  const parsed = jobEventSchema.safeParse(JSON.parse(body))
  return parsed.success ? parsed.data : null
}

const BATCH = 500

/** Everything in the stream from a sequence on, timers and triggers included; the probes of /readyz are left out. */
export async function readLog(nc: NatsConnection, fromSeq = 1): Promise<LogEntry[]> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const { state } = await manager.streams.info(JOBS_STREAM)
  const entries: LogEntry[] = []
  if (state.messages === 0 || state.last_seq < fromSeq) return entries
  const consumer = await jetstream(nc).consumers.get(JOBS_STREAM, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(fromSeq, state.first_seq),
  })
  try {
    for (;;) {
      const messages = await consumer.fetch({ max_messages: BATCH, expires: 1_000 })
      let pending = 0
      let received = 0
      for await (const message of messages) {
        received++
        pending = message.info.pending
        if (message.subject !== LOG_PROBE) entries.push(entryOf(message))
        if (pending === 0 || received === BATCH) messages.stop()
      }
      if (pending === 0) return entries
    }
  } finally {
    await consumer.delete().catch(() => undefined)
  }
}

function entryOf(message: JsMsg): LogEntry {
  const isHistory = message.subject.split('.').length === 4
  const expected = message.headers?.get('Nats-Expected-Last-Subject-Sequence')
  return {
    seq: message.seq,
    subject: message.subject,
    timeMs: message.info.timestampNanos / 1_000_000,
    expectedSeq: expected ? Number(expected) : null,
    event: isHistory ? strictEvent(message.string()) : null,
  }
}

/** The histories of all jobs, by id, in the order of the log. */
export function historiesOf(log: readonly LogEntry[]): Map<string, HistoryEntry[]> {
  const histories = new Map<string, HistoryEntry[]>()
  for (const { event, ...about } of log) {
    const jobId = parseSubject(about.subject)?.job_id
    if (event === null || jobId === undefined) continue
    const history = histories.get(jobId) ?? []
    history.push({ ...about, event })
    histories.set(jobId, history)
  }
  return histories
}

export type HistoryEntry = LogEntry & { event: JobEvent }

/** The start that an event tells of: its own, or that of the short attempt whose outcome it is. */
export function startIn(event: JobEvent): { job_id: string; attempt: number; worker_id: string } | null {
  const tellsStart = event.event === 'job:started' || ('started_at' in event && event.started_at !== undefined)
  if (!tellsStart || !('worker_id' in event) || event.attempt === undefined) return null
  return { job_id: event.job_id, attempt: event.attempt, worker_id: String(event.worker_id) }
}
