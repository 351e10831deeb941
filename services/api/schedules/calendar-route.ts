import { maySee } from '#shared/auth/caller.ts'
import { CALENDAR_DAYS_MAX } from '#shared/contracts/http/calendar.ts'
import { scheduleOperations } from '#shared/contracts/http/operations/schedules.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { badParameters } from '#shared/http/read-query.ts'
import type { ScheduleBook } from '#shared/schedules/schedule-book.ts'
import { type Clock, DAY, HOUR } from '#shared/time/clock.ts'
import { calendarOf } from './calendar.ts'
import { atBroker } from './change-schedule.ts'

export interface CalendarRoutesDeps {
  book: ScheduleBook
  clock: Clock
}

const USUAL_DAYS = 7

export function calendarRoutes(router: GuardedRouter, { book, clock }: CalendarRoutesDeps): void {
  router.serve(scheduleOperations.getCalendar, async (ctx, { query: { from, to, tenant } }) => {
    const wanted = effectiveTenant(callerOf(ctx), tenant)
    const fromMs = Math.floor((from === undefined ? clock.now() : Date.parse(from)) / HOUR) * HOUR
    const belowMs = to === undefined ? fromMs + USUAL_DAYS * DAY : Date.parse(to)
    if (belowMs <= fromMs) throw badParameters([{ parameter: 'to', detail: 'must be later than from' }])
    if (belowMs - fromMs > CALENDAR_DAYS_MAX * DAY + HOUR)
      throw badParameters([{ parameter: 'to', detail: `must be at most ${CALENDAR_DAYS_MAX} days after from` }])
    await atBroker(book.refresh())
    const visible = book
      .all()
      .map(({ record }) => record)
      .filter((record) => maySee(callerOf(ctx), record.tenant) && (wanted === null || record.tenant === wanted))
    ctx.set('Cache-Control', 'no-store')
    ctx.body = calendarOf(visible, fromMs, belowMs, () => clock.monotonic())
  })
}
