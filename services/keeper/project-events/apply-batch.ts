import { type LoggedMessage, parseEvent, standInFor } from '#shared/bus/read-event.ts'
import { applyEvent, isFirst } from '#shared/contracts/log/apply-event.ts'
import { HEADERS, type LoggedEvent } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import type { Checkpoint, JobStore, StoredJob } from '#shared/stores/jobs/job-store.ts'
import { rebasedOntoLog } from '#shared/stores/jobs/projection-view.ts'
import { endOfRound, type TracedEnd } from '../send-callbacks/end-of-round.ts'
import { EventCounter } from './event-counter.ts'

/** The generation that is written, the first one whose sequences belong to this log, and where it began to read. */
export type ProjectionGeneration = Pick<Checkpoint, 'generation' | 'log_generation' | 'log_from'> & {
  /** Up to here a rebuild repeats what was told before. */
  rebuild_until?: number
}

/** A message of the log, with its headers where its reader has them. */
export type AppliedMessage = LoggedMessage & { header?(name: string): string }

export interface ApplyBatchDeps {
  store: JobStore
  /** Called for each unreadable message: it is counted and moves its job's history on, and never stops the rest. */
  onUnreadable(seq: number): void
}

/** What a batch has brought about. */
export interface Applied {
  /** Ends of rounds that somebody is to be told of, also when the batch is repeated. */
  ends: TracedEnd[]
  /** Ends of jobs that were not in the store yet. */
  ended: { type: string; status: EndStatus }[]
  /** The types of jobs that lost a worker, once for each loss that was not in the store yet. */
  crashed: string[]
}

const END_STATUS = { 'job:finished': 'finished', 'job:failed': 'failed', 'job:cancelled': 'cancelled' } as const
type EndStatus = (typeof END_STATUS)[keyof typeof END_STATUS]

/**
 * Folds a batch of messages, in log order, into the store: reads the jobs concerned, folds, writes each whole where it
 * is newer, and counts what happened. Safe to repeat and to run twice at once.
 */
export async function applyBatch(
  deps: ApplyBatchDeps,
  { generation, log_generation: logGeneration, log_from: logFrom, rebuild_until: toldUntil = 0 }: ProjectionGeneration,
  messages: AppliedMessage[],
): Promise<Applied> {
  const events: { seq: number; event: LoggedEvent; message: AppliedMessage }[] = []
  for (const message of messages) {
    const read = parseEvent(message.body)
    if (read === null) deps.onUnreadable(message.seq)
    const event = read ?? standInFor(message)
    if (event !== null) events.push({ seq: message.seq, event, message })
  }
  const applied: Applied = { ends: [], ended: [], crashed: [] }
  if (events.length === 0) return applied
  const stored = await deps.store.getMany(idsToRead(events.map(({ event }) => event)))
  const folded = new Map<string, Job>()
  const counter = new EventCounter()
  for (const { seq, event, message } of events) {
    const base = folded.get(event.job_id) ?? currentFold(stored.get(event.job_id), generation)
    // A history whose beginning was trimmed continues from the job as an older generation knew it.
    const next = applyEvent(base, event, seq) ?? continueOld(stored.get(event.job_id), logGeneration, event, seq)
    counter.add(next, event, seq)
    if (next === null) continue
    folded.set(event.job_id, next)
    // Now, and not after the batch: a later event of it may begin another round.
    const end = endOfRound(next, event, seq)
    if (end !== null) applied.ends.push({ ...end, endedUnder: message.header?.(HEADERS.traceparent) || null })
    if (seq > Math.max(toldUntil, base?.seq ?? 0)) note(applied, base, next, event)
  }
  const occurrences = {
    generation,
    logGeneration,
    logFromMs: logFrom === undefined || logFrom === '' ? Number.POSITIVE_INFINITY : Date.parse(logFrom),
    changes: counter.changes(),
    changesAfter: (seq: number) => recount(events, folded, seq),
  }
  await deps.store.putNewer(
    [...folded.values()].map((job) => ({ generation, job })),
    occurrences,
  )
  return applied
}

function note({ ended, crashed }: Applied, before: Job | null, { type, crashes }: Job, { event }: LoggedEvent): void {
  const status = END_STATUS[event as keyof typeof END_STATUS]
  if (status !== undefined) ended.push({ type, status })
  if (before !== null && crashes > before.crashes) crashed.push(type)
}

/** Counts the events after a sequence, seen from the folds of the whole batch. */
function recount(events: { seq: number; event: LoggedEvent }[], folded: Map<string, Job>, afterSeq: number) {
  const counter = new EventCounter()
  for (const { seq, event } of events) if (seq > afterSeq) counter.add(folded.get(event.job_id) ?? null, event, seq)
  return counter.changes()
}

/**
 * The jobs that must be read. A history that begins in this batch needs nothing from the store: its fold is complete,
 * and the guarded write loses where the store knows more already. On a busy system that is most jobs.
 */
function idsToRead(events: LoggedEvent[]): string[] {
  const begunHere = new Set<string>()
  const toRead = new Set<string>()
  for (const event of events) {
    if (isFirst(event) && event.follows === undefined && !toRead.has(event.job_id)) begunHere.add(event.job_id)
    else if (!begunHere.has(event.job_id)) toRead.add(event.job_id)
  }
  return [...toRead]
}

const currentFold = (stored: StoredJob | undefined, generation: number): Job | null =>
  stored !== undefined && stored.generation >= generation ? stored.job : null

function continueOld(
  stored: StoredJob | undefined,
  logGeneration: number,
  event: LoggedEvent,
  seq: number,
): Job | null {
  return stored === undefined ? null : applyEvent(rebasedOntoLog(stored, logGeneration), event, seq)
}
