import type { z } from 'zod'
import { type Caller, maySee } from '#shared/auth/caller.ts'
import { followLog, readLogFrom } from '#shared/bus/follow.ts'
import type { StreamState } from '#shared/bus/stream.ts'
import type { eventsPageSchema } from '#shared/contracts/http/events.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { ALL_HISTORY } from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { findJob } from '../read/get-job.ts'
import { eventView } from './event-view.ts'
import type { FollowDeps } from './follow-job.ts'
import { COMMENT_EVERY_MS, type Position, type ServerSentEvent } from './server-sent-events.ts'

/**
 * The events of all jobs, or of one type, from now on or after a sequence. Where events that the reader has not seen
 * have left the log, or the log was replaced, the reader gets a `reset`, and continues with what there is.
 * @param afterSeq null: from now on
 */
export async function* followAll(
  deps: FollowDeps,
  caller: Caller,
  type: string | null,
  afterSeq: number | null,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent | Position, void, undefined> {
  const state = await deps.stream.state()
  const start = afterSeq ?? state.lastSeq
  const isGap = await hasGap(deps, state, start)
  const from = isGap ? state.firstSeq - 1 : start
  if (isGap) yield { id: from, event: 'reset', data: { first_seq: state.firstSeq } }
  const options = { filter: allFilter(type), afterSeq: from, signal }
  // At once, and with every comment: a reader that has seen no event yet must be able to resume too.
  yield { id: from, event: null }
  let toldMs = deps.clock.monotonic()
  for await (const { seq, event } of followLog(deps.broker, options, COMMENT_EVERY_MS)) {
    const isShown = event !== null && (await isVisible(deps, caller, event))
    // Also while there are events of others only: the reader's position must not fall behind the part that the log
    // keeps.
    if (!isShown && event !== null && deps.clock.monotonic() - toldMs < COMMENT_EVERY_MS) continue
    toldMs = deps.clock.monotonic()
    yield isShown ? { id: seq, event: event.event, data: eventView(event, seq) } : { id: seq, event: null }
  }
}

/**
 * A page of the same events, from the current log. Those of other tenants are left out, so it may be short or empty: a
 * reader that continues after its `last_event_id` misses nothing.
 * @throws AppError `unavailable`
 */
export async function readEvents(
  deps: FollowDeps,
  caller: Caller,
  type: string | null,
  afterSeq: number,
  limit: number,
): Promise<z.infer<typeof eventsPageSchema>> {
  try {
    const state = await deps.stream.state()
    const reset = afterSeq > 0 && (await hasGap(deps, state, afterSeq))
    const from = reset ? state.firstSeq - 1 : afterSeq
    const { events, lastSeq } = await readLogFrom(deps.stream, allFilter(type), from + 1, limit)
    const visible = await Promise.all(events.map(({ event }) => isVisible(deps, caller, event)))
    const items = events.flatMap(({ seq, event }, n) => (visible[n] ? [eventView(event, seq)] : []))
    return { items, last_event_id: lastSeq ?? Math.max(from, state.lastSeq), reset }
  } catch (error) {
    throw unavailable('The log cannot be read at the moment. Try again.', error)
  }
}

/**
 * Whether the caller may see an event. The end of a job that its worker could not read names neither object nor tenant,
 * so the job itself is asked.
 */
async function isVisible(deps: FollowDeps, caller: Caller, event: JobEvent): Promise<boolean> {
  if (caller.tenant === null || event.tenant === caller.tenant) return true
  if (event.object_id !== '') return false
  const job = await findJob(deps, event.job_id)
  return job !== null && maySee(caller, job.tenant)
}

/** Whether events after this sequence are gone, or the sequence belongs to another log. */
async function hasGap({ stream }: FollowDeps, { firstSeq, lastSeq }: StreamState, afterSeq: number): Promise<boolean> {
  if (afterSeq > lastSeq) return true
  // A log keeps its last event: a log without any never had one.
  return afterSeq + 1 < firstSeq && (await stream.lastOf(ALL_HISTORY)) !== null
}

const allFilter = (type: string | null): string => `*.${type ?? '*'}.*.*`
