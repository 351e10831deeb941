import { type LoggedMessage, parseEvent, standInFor } from '#shared/bus/read-event.ts'
import { applyEvent, isFirst } from '#shared/contracts/log/apply-event.ts'
import type { LoggedEvent } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import type { Checkpoint, JobStore, StoredJob } from '#shared/stores/jobs/job-store.ts'
import { rebasedOntoLog } from '#shared/stores/jobs/projection-view.ts'
import { endOfRound, type RoundEnd } from '../send-callbacks/end-of-round.ts'

/** The generation that is written, and the first one whose sequences belong to this log. */
export type ProjectionGeneration = Pick<Checkpoint, 'generation' | 'log_generation'>

export interface ApplyBatchDeps {
  store: JobStore
  /** Called for each unreadable message: it is counted and moves its job's history on, and never stops the rest. */
  onUnreadable(seq: number): void
}

/**
 * Folds a batch of messages, in log order, into the store: reads the jobs concerned, folds, writes each whole where it
 * is newer. Safe to repeat and to run twice at once.
 * @returns the ends of jobs in the batch, even when it is repeated
 */
export async function applyBatch(
  deps: ApplyBatchDeps,
  { generation, log_generation: logGeneration }: ProjectionGeneration,
  messages: LoggedMessage[],
): Promise<RoundEnd[]> {
  const events: { seq: number; event: LoggedEvent }[] = []
  for (const message of messages) {
    const read = parseEvent(message.body)
    if (read === null) deps.onUnreadable(message.seq)
    const event = read ?? standInFor(message)
    if (event !== null) events.push({ seq: message.seq, event })
  }
  if (events.length === 0) return []
  const stored = await deps.store.getMany(idsToRead(events.map(({ event }) => event)))
  const folded = new Map<string, Job>()
  const ends: RoundEnd[] = []
  for (const { seq, event } of events) {
    const base = folded.get(event.job_id) ?? currentFold(stored.get(event.job_id), generation)
    // A history whose beginning was trimmed continues from the job as an older generation knew it.
    const next = applyEvent(base, event, seq) ?? continueOld(stored.get(event.job_id), logGeneration, event, seq)
    if (next === null) continue
    folded.set(event.job_id, next)
    // Now, and not after the batch: a later event of it may begin another round.
    const end = endOfRound(next, event, seq)
    if (end !== null) ends.push(end)
  }
  await deps.store.putNewer([...folded.values()].map((job) => ({ generation, job })))
  return ends
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
