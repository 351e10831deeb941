import type { Broker } from '#shared/bus/connection.ts'
import { followLog } from '#shared/bus/follow.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { historyFilter, isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import type { GetJobDeps } from '../read/get-job.ts'
import { eventView } from './event-view.ts'
import { COMMENT_EVERY_MS, type ServerSentEvent } from './server-sent-events.ts'

export interface FollowDeps extends GetJobDeps {
  broker: Broker
  /** The log of jobs. */
  stream: Stream
}

/** One event of a job's history, with what makes it whole alone. */
const storedEvent = (job: Job, note: Job['events'][number]): ServerSentEvent => ({
  id: note.seq,
  event: note.event,
  data: {
    ...note,
    job_id: job.job_id,
    object_id: job.object_id,
    ...tenantMember(job.tenant),
    type: job.type,
    ...(note === job.events.at(-1) && job.phase === 'finished' ? { result: job.result } : {}),
  },
})

/** Whether there is nothing left to tell a reader who saw everything up to `afterSeq`. */
export const isToldWhole = (job: Job, afterSeq: number): boolean =>
  isTerminal(job.phase) && afterSeq >= (job.events.at(-1)?.seq ?? job.seq)

/**
 * A job's events after a sequence, those to come included, up to its end. What the log has let go comes from the
 * store, which keeps of each attempt's progress the latest alone.
 */
export async function* followJob(
  deps: FollowDeps,
  job: Job,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent | null, void, undefined> {
  const { firstSeq, lastSeq } = await deps.stream.state()
  // Of a job that only another log told of, every event is one that this log does not have.
  const isOfOtherLog = job.seq === 0 || job.seq > lastSeq
  const trimmed = job.events.filter(({ seq }) => seq > afterSeq && (isOfOtherLog || seq < firstSeq))
  for (const note of trimmed) yield storedEvent(job, note)
  const toldSeq = Math.max(afterSeq, trimmed.at(-1)?.seq ?? 0)
  if (isToldWhole(job, toldSeq)) return
  const from = { filter: historyFilter(job), afterSeq: isOfOtherLog ? 0 : toldSeq, signal }
  for await (const next of followLog(deps.broker, from, COMMENT_EVERY_MS)) {
    const { seq, event } = next
    if (event === null) {
      yield null
      continue
    }
    yield { id: seq, event: event.event, data: eventView(event, seq) }
    // A round's end is the job's end unless somebody started another round.
    if (isTerminalEvent(event.event) && (await deps.stream.lastOf(from.filter))?.seq === seq) return
  }
}
