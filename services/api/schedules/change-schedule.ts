import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import type { FoundSchedule, ScheduleKey, ScheduleRecords, StoredSchedule } from '#shared/schedules/schedule-records.ts'

/** If-Match and If-None-Match of a request; empty where they were not sent. */
export interface Precondition {
  ifMatch: string
  ifNoneMatch: string
}

export interface ChangedSchedule {
  stored: StoredSchedule
  change: 'created' | 'changed' | 'unchanged'
}

/** Ticks write too, but never this often. */
const MAX_TRIES = 20

/**
 * The ETag of a schedule: it changes with every change by a caller, and not with ticks, because an editor must not lose
 * against the schedule's own ticks.
 */
export const etagOf = ({ seq, record }: StoredSchedule): string => `"${record.changed_seq ?? seq}"`

/** @throws AppError `schedule-not-found`, `unavailable` */
export async function readSchedule(records: ScheduleRecords, key: ScheduleKey): Promise<StoredSchedule> {
  return readable(await atBroker(records.read(key)))
}

/**
 * Reads, decides, compares and sets; again when somebody else was faster.
 * @param decide returns the next record; the same record where nothing has to change
 * @throws what `decide` throws; AppError `precondition-failed`, `unavailable`
 */
export async function changeSchedule(
  records: ScheduleRecords,
  key: ScheduleKey,
  precondition: Precondition,
  decide: (current: StoredSchedule | null) => ScheduleRecord | Promise<ScheduleRecord>,
): Promise<ChangedSchedule> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await atBroker(records.read(key))
    const current = found === null ? null : readable(found)
    checkIfNoneMatch(precondition, current)
    const next = await decide(current)
    // Before If-Match: a repeat of a request that already took effect has succeeded (RFC 9110, 13.1.1).
    if (current !== null && next === current.record) return { stored: current, change: 'unchanged' }
    checkIfMatch(precondition, current)
    const record = { ...next, changed_seq: null }
    const stored = await records.write(key, record, { afterSeq: current?.seq ?? 0 })
    if (stored !== null) {
      return { stored: { seq: stored.seq, record }, change: current === null ? 'created' : 'changed' }
    }
  }
  throw changesTooQuickly()
}

/** @throws AppError `schedule-not-found`, `precondition-failed`, `unavailable` */
export async function deleteSchedule(
  records: Pick<ScheduleRecords, 'read' | 'remove'>,
  key: ScheduleKey,
  precondition: Precondition,
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await atBroker(records.read(key))
    if (found === null) throw notFound()
    // A record that cannot be read can still be deleted.
    const { seq, record } = found
    if (record !== null) checkIfMatch(precondition, { seq, record })
    if (await atBroker(records.remove(key, seq))) return
  }
  throw changesTooQuickly()
}

export const notFound = (): AppError => new AppError('schedule-not-found', 'No schedule has this name.')

function readable(found: FoundSchedule | null): StoredSchedule {
  if (found === null) throw notFound()
  const { seq, record } = found
  if (record === null) throw new Error(`the schedule at ${found.subject} cannot be read`)
  return { seq, record }
}

const isNamedBy = (header: string, current: StoredSchedule | null): boolean =>
  current !== null && (header === '*' || header.split(',').some((tag) => tag.trim() === etagOf(current)))

function checkIfMatch({ ifMatch }: Precondition, current: StoredSchedule | null): void {
  if (ifMatch !== '' && !isNamedBy(ifMatch, current))
    throw new AppError(
      'precondition-failed',
      'The schedule has changed since the version that If-Match names. Read it again.',
    )
}

function checkIfNoneMatch({ ifNoneMatch }: Precondition, current: StoredSchedule | null): void {
  if (ifNoneMatch !== '' && isNamedBy(ifNoneMatch, current))
    throw new AppError('precondition-failed', 'A schedule with this name already exists.')
}

const changesTooQuickly = (): AppError => unavailable('Too many others are changing this schedule. Try again.')

/** @throws AppError `unavailable` */
export async function atBroker<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof AppError
      ? error
      : unavailable('The broker did not answer about schedules. Try again.', error)
  }
}
