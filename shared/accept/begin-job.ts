import type { JobHistory } from '#shared/bus/job-history.ts'
import { type CreatedEvent, HEADERS, type ScheduledEvent } from '#shared/contracts/log/events.ts'
import { type Sending, startSend } from '#shared/trace/send-span.ts'
import { sentOn, traceIdMember } from '#shared/trace/traceparent.ts'
import type { Tracing } from '#shared/trace/tracing.ts'

export interface BeginJobDeps {
  history: Pick<JobHistory, 'begin'>
  /** null: no spans are recorded. */
  tracing: Tracing | null
}

export interface BeginJob extends Pick<Sending, 'parent' | 'schedule'> {
  once: 'same-address' | 'any-address'
}

/**
 * Stores the first event of a job that no caller has sent, within a span of its own where spans are recorded.
 * @returns false when the job existed already: whoever sent it has told of that
 * @throws as JobHistory.begin
 */
export async function beginJob(
  { history, tracing }: BeginJobDeps,
  event: CreatedEvent | ScheduledEvent,
  { once, parent, schedule }: BeginJob,
): Promise<boolean> {
  const { type, job_id: jobId } = event
  // A tick begins a trace; anything else goes on with the one that led to it.
  const under = schedule === undefined && tracing !== null ? tracing.parentFrom(parent) : parent
  const span =
    tracing === null
      ? null
      : startSend(tracing, { type, parent: under, jobId, ...(schedule === undefined ? {} : { schedule }) })
  const traceparent = sentOn(span?.traceparent ?? parent)
  if (traceparent === null) return history.begin(event, { once })
  const traced = { ...event, ...traceIdMember(traceparent) }
  const isNew = await history.begin(traced, { once, headers: { [HEADERS.traceparent]: traceparent } })
  if (isNew) span?.end(null)
  return isNew
}
