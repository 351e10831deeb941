import type { Broker } from '#shared/bus/connection.ts'
import { followLog } from '#shared/bus/follow.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { tagsMember, tenantMember } from '#shared/contracts/log/job-spec.ts'
import { historyFilter, isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import type { GetJobDeps } from '../read/get-job.ts'
import { eventView } from './event-view.ts'
import { COMMENT_EVERY_MS, type ServerSentEvent } from './server-sent-events.ts'

export interface FollowDeps extends GetJobDeps {
  broker: Broker
  /** The log of jobs. */
  stream: Stream
}

/** One event of a job's history, with the members that make it complete on its own. */
const storedEvent = (job: Job, note: Job['events'][number]): ServerSentEvent => ({
  id: note.seq,
  event: note.event,
  data: {
    ...note,
    job_id: job.job_id,
    object_id: job.object_id,
    ...tenantMember(job.tenant),
    ...tagsMember(job.tags),
    type: job.type,
    ...(note === job.events.at(-1) && job.phase === 'finished' ? { result: job.result } : {}),
  },
})

/** Whether nothing is left to send to a reader that has seen everything up to `afterSeq`. */
export const isToldWhole = (job: Job, afterSeq: number): boolean =>
  isTerminal(job.phase) && afterSeq >= (job.events.at(-1)?.seq ?? job.seq)

/**
 * A job's events after a sequence, future ones included, up to its end. Events that have left the log come from the
 * store, which keeps only the latest progress of each attempt.
 */
export async function* followJob(
  deps: FollowDeps,
  job: Job,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent | null, void, undefined> {
  const { firstSeq, lastSeq } = await deps.stream.state()
  // If only another log knew the job, this log has none of its events.
  const isOfOtherLog = job.seq === 0 || job.seq > lastSeq
  const trimmed = job.events.filter(({ seq }) => seq > afterSeq && (isOfOtherLog || seq < firstSeq))
  for (const note of trimmed) yield storedEvent(job, note)
  const toldSeq = Math.max(afterSeq, trimmed.at(-1)?.seq ?? 0)
  if (isToldWhole(job, toldSeq)) return
  const from = { filter: historyFilter(job), afterSeq: isOfOtherLog ? 0 : toldSeq, signal }
  for await (const next of followLog(deps.broker, from, COMMENT_EVERY_MS)) {
    if (next === null) {
      yield null
      continue
    }
    const { seq, event } = next
    yield { id: seq, event: event.event, data: eventView(event, seq) }
    // A round's end is the job's end unless somebody started another round.
    if (isTerminalEvent(event.event) && (await deps.stream.lastOf(from.filter))?.seq === seq) return
  }
}
