import { isDeepStrictEqual } from 'node:util'
import { type CheckJobDeps, checkJob } from '#shared/accept/check-job.ts'
import {
  type PutScheduleBody,
  SCHEDULE_NAME_PATTERN,
  SCHEDULED_JOB_MAX_BYTES,
  SCHEDULES_MAX,
  SCHEDULES_MAX_BYTES,
  SCHEDULES_OF_TENANT_MAX,
  SCHEDULES_OF_TENANT_MAX_BYTES,
  type ScheduleRecord,
} from '#shared/contracts/http/schedules.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { badParameters } from '#shared/http/read-query.ts'
import type { ScheduleBook, ScheduleUsage } from '#shared/schedules/schedule-book.ts'
import type { ScheduleKey, ScheduleRecords } from '#shared/schedules/schedule-records.ts'
import { settledUntil } from '#shared/schedules/settled-until.ts'
import { nextTick } from '#shared/schedules/tick-times.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { atBroker, type ChangedSchedule, changeSchedule, type Precondition } from './change-schedule.ts'
import { badTiming, checkTiming } from './check-timing.ts'

export interface PutScheduleDeps extends CheckJobDeps {
  records: ScheduleRecords
  book: ScheduleBook
  clock: Clock
}

/**
 * Creates a schedule or replaces its definition. Repeating the same changes nothing; other times begin anew from now,
 * and a change of the rest keeps the times.
 * @throws AppError invalid-request, unknown-type, invalid-payload, callback-forbidden, payload-too-large,
 * too-many-schedules, precondition-failed, unavailable
 */
export async function putSchedule(
  deps: PutScheduleDeps,
  key: ScheduleKey,
  body: PutScheduleBody,
  precondition: Precondition,
): Promise<ChangedSchedule> {
  checkName(key.name)
  checkTiming(body)
  if (sizeOf(body.job) > SCHEDULED_JOB_MAX_BYTES)
    throw new AppError(
      'payload-too-large',
      `The job of a schedule may be at most ${SCHEDULED_JOB_MAX_BYTES} bytes of JSON.`,
    )
  await checkScheduledJob(deps, body.job)
  return changeSchedule(deps.records, key, precondition, async (current) => {
    const before = current?.record ?? null
    const next = nextRecord(key, body, before, deps.clock.now())
    await checkRoom(deps, before, next)
    return next
  })
}

/** @throws AppError invalid-request */
function checkName(name: string): void {
  const detail = !SCHEDULE_NAME_PATTERN.test(name)
    ? 'must be 1 to 128 characters from A-Z a-z 0-9 . _ - and begin with a letter or digit'
    : // GET answers there with the calendar of all schedules.
      name === 'calendar' && 'must not be "calendar", which is the address of the calendar of all schedules'
  if (detail !== false) throw badParameters([{ parameter: 'name', detail }])
}

/** @throws AppError as for a posted job, with pointers that begin at /job */
async function checkScheduledJob(deps: CheckJobDeps, job: PutScheduleBody['job']): Promise<void> {
  try {
    await checkJob(deps, job)
  } catch (error) {
    if (!(error instanceof AppError && Array.isArray(error.members['errors']))) throw error
    const errors = (error.members['errors'] as { pointer: string }[]).map((one) => ({
      ...one,
      pointer: `/job${one.pointer}`,
    }))
    const { status, headers } = error
    throw new AppError(error.code, error.message, {
      status,
      headers,
      members: { ...error.members, errors },
      cause: error,
    })
  }
}

const sizeOf = (job: ScheduleRecord['job'] | PutScheduleBody['job']): number => Buffer.byteLength(JSON.stringify(job))

/** @throws AppError too-many-schedules */
async function checkRoom(
  { book }: PutScheduleDeps,
  before: ScheduleRecord | null,
  next: ScheduleRecord,
): Promise<void> {
  const isNew = before === null
  const growth = sizeOf(next.job) - (isNew ? 0 : sizeOf(before.job))
  // A schedule that does not grow may be changed beyond a limit too.
  if (!isNew && growth <= 0) return
  await atBroker(book.refresh())
  const check = (whose: string, { count, bytes }: ScheduleUsage, max: ScheduleUsage) => {
    if (isNew && count >= max.count) throw tooMany(`There may be at most ${max.count} ${whose}.`, 'Delete one first.')
    if (bytes + growth > max.bytes)
      throw tooMany(
        `The ${whose} may together have at most ${max.bytes} bytes of JSON.`,
        'Delete one or make a payload smaller first.',
      )
  }
  if (next.tenant !== null) check('schedules of a tenant', book.usage(next.tenant), OF_TENANT)
  check('schedules', book.usage(), OF_ALL)
}

const OF_ALL: ScheduleUsage = { count: SCHEDULES_MAX, bytes: SCHEDULES_MAX_BYTES }
const OF_TENANT: ScheduleUsage = { count: SCHEDULES_OF_TENANT_MAX, bytes: SCHEDULES_OF_TENANT_MAX_BYTES }

const tooMany = (limit: string, remedy: string): AppError => new AppError('too-many-schedules', `${limit} ${remedy}`)

/** A caller's definition of a schedule, in the form in which it is stored. */
const definitionOf = (body: PutScheduleBody) => ({
  cron: body.cron ?? null,
  every_ms: body.every_ms ?? null,
  timezone: body.timezone,
  job: body.job,
  on_missed: body.on_missed,
  starts_at: body.starts_at ?? null,
  ends_at: body.ends_at ?? null,
})

function nextRecord(
  key: ScheduleKey,
  body: PutScheduleBody,
  before: ScheduleRecord | null,
  nowMs: number,
): ScheduleRecord {
  const definition = definitionOf(body)
  if (before !== null && isDeepStrictEqual({ ...before, ...definition }, before)) return before
  const at = isoTime(nowMs)
  const isSame = (...members: (keyof typeof definition)[]) =>
    before !== null && members.every((member) => before[member] === definition[member])
  const keepsAnchor = isSame('every_ms', 'starts_at')
  const keepsTimes = keepsAnchor && isSame('cron', 'timezone', 'ends_at')
  const record: ScheduleRecord = {
    ...before,
    ...key,
    ...definition,
    paused: before?.paused ?? false,
    created_at: before?.created_at ?? at,
    updated_at: at,
    anchor: keepsAnchor && before !== null ? before.anchor : (body.starts_at ?? at),
    settled_until: keepsTimes && before !== null ? settledUntil(before, nowMs) : at,
    made_until: before?.made_until ?? null,
    changed_seq: null,
    last_tick_at: before?.last_tick_at ?? null,
    last_job_id: before?.last_job_id ?? null,
    last_error: null,
  }
  if (nextTick(record, nowMs) === null)
    throw badTiming(body.ends_at === undefined ? '/cron' : '/ends_at', 'never fires')
  return record
}
