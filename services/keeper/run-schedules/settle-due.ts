import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { AppError, publicErrorOf } from '#shared/errors/app-error.ts'
import type { ScheduleRecords, StoredSchedule } from '#shared/schedules/schedule-records.ts'
import { isSettledAhead, settledFromNow } from '#shared/schedules/settled-until.ts'
import { isoTime } from '#shared/time/clock.ts'
import { dueTicks } from './due-ticks.ts'
import { type MakeTickJobDeps, makeTickJob } from './make-tick-job.ts'

export interface SettleDueDeps extends MakeTickJobDeps {
  records: ScheduleRecords
}

/** The result of the last tick. */
type TickNotes = Pick<ScheduleRecord, 'last_tick_at' | 'last_job_id' | 'last_error'>

/**
 * Creates the due jobs of a schedule and then records that they are settled. In this order a crash between the two
 * creates the same jobs again, which exist already. Another replica that wrote first has done the same, or the schedule
 * has changed.
 * @throws AppError `unavailable`: try again
 */
export async function settleDue(deps: SettleDueDeps, { seq, record }: StoredSchedule): Promise<void> {
  const nowMs = deps.clock.now()
  if (!record.paused && isSettledAhead(record, nowMs)) return settleFromNow(deps, { seq, record }, nowMs)
  const due = dueTicks(record, nowMs)
  if (due === null) return
  const { last_tick_at, last_job_id, last_error } = record
  let notes: TickNotes = { last_tick_at, last_job_id, last_error }
  for (const tickMs of due.run) notes = { ...notes, ...(await makeTick(deps, record, tickMs)) }
  const settled = { settled_until: isoTime(due.lastMs), changed_seq: record.changed_seq ?? seq }
  const next = { ...record, ...notes, ...settled }
  if ((await deps.records.write(record, next, { afterSeq: seq })) === null) return
  const about = { schedule: record.name, tick_at: isoTime(due.lastMs) }
  if (due.run.length === 0) deps.log.info(about, 'missed ticks skipped')
  // The same failure at every tick is logged once.
  else if (notes.last_error !== null && notes.last_error.message !== last_error?.message)
    deps.log.warn({ ...about, error: notes.last_error }, 'a schedule could not create its job')
}

async function settleFromNow(deps: SettleDueDeps, { seq, record }: StoredSchedule, nowMs: number): Promise<void> {
  const next = { ...settledFromNow(record, nowMs), changed_seq: record.changed_seq ?? seq }
  if ((await deps.records.write(record, next, { afterSeq: seq })) === null) return
  deps.log.warn(
    { schedule: record.name, settled_until: record.settled_until },
    'a clock that was ahead settled ticks of a schedule too early; the schedule continues from now',
  )
}

async function makeTick(deps: SettleDueDeps, record: ScheduleRecord, tickMs: number): Promise<Partial<TickNotes>> {
  const tickAt = isoTime(tickMs)
  try {
    return { last_tick_at: tickAt, last_job_id: await makeTickJob(deps, record, tickMs), last_error: null }
  } catch (error) {
    // The type is gone, or no longer accepts the payload: later ticks may succeed.
    if (!(error instanceof AppError) || error.status >= 500) throw error
    return { last_error: { ...publicErrorOf(error), tick_at: tickAt } }
  }
}
