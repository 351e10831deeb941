import { type Caller, maySee } from '#shared/auth/caller.ts'
import { scheduleOperations } from '#shared/contracts/http/operations/schedules.ts'
import type { ListSchedulesQuery, ScheduleList } from '#shared/contracts/http/schedules.ts'
import { makeCursor, readPlace } from '#shared/http/cursor.ts'
import type { ScheduleBook } from '#shared/schedules/schedule-book.ts'
import { compareKeys, type ScheduleKey, type StoredSchedule } from '#shared/schedules/schedule-records.ts'
import type { Clock } from '#shared/time/clock.ts'
import { atBroker } from './change-schedule.ts'
import { scheduleSummary } from './schedule-view.ts'

export interface ListSchedulesDeps {
  book: ScheduleBook
  clock: Clock
}

/** Where a page ended: the name and the tenant of its last schedule. */
const PLACE = /^(\S+) (\S*)$/
const placeOf = ({ name, tenant }: ScheduleKey): string => `${name} ${tenant ?? ''}`

/**
 * A page of the schedules that the caller may see, by name.
 * @throws AppError `invalid-request` for a cursor of another caller's list; `unavailable`
 */
export async function listSchedules(
  { book, clock }: ListSchedulesDeps,
  { cursor, limit }: ListSchedulesQuery,
  caller: Caller,
): Promise<ScheduleList> {
  const search = { tenant: caller.tenant }
  const [, name = '', tenant = ''] =
    PLACE.exec(cursor === undefined ? '' : readPlace(search, cursor, (text) => PLACE.test(text))) ?? []
  await atBroker(book.refresh())
  // One more than requested shows whether there is another page.
  const found: StoredSchedule[] = []
  for (const stored of book.all()) {
    if (found.length > limit) break
    if (compareKeys(stored.record, { name, tenant }) > 0 && maySee(caller, stored.record.tenant)) found.push(stored)
  }
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(({ record }) => scheduleSummary(record, clock.now())),
    next_cursor: found.length > limit && last !== undefined ? makeCursor(search, placeOf(last.record)) : null,
  }
}

/** The address of the next page. */
export const addressOf = ({ limit }: ListSchedulesQuery, cursor: string): string =>
  `${scheduleOperations.listSchedules.path}?${new URLSearchParams({ limit: String(limit), cursor }).toString()}`
