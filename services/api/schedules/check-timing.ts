import type { PutScheduleBody } from '#shared/contracts/http/schedules.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { parseCron } from '#shared/schedules/tick-times.ts'

const FIVE_FIELDS = /^\s*\S+(\s+\S+){4}\s*$/
/** Names alone: offsets such as `+02:00`, which Intl also accepts, are no time zones. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]*$/

/** @throws AppError `invalid-request` for times that make no schedule */
export function checkTiming(body: PutScheduleBody): void {
  const { cron, every_ms: everyMs, timezone, starts_at: startsAt, ends_at: endsAt } = body
  if (cron !== undefined && everyMs !== undefined) throw badTiming('/every_ms', 'cannot be combined with cron')
  if (cron === undefined && everyMs === undefined) throw badTiming('/cron', 'is missing; give either cron or every_ms')
  if (!isZone(timezone)) throw badTiming('/timezone', 'is not a known IANA time zone, such as Europe/Berlin')
  if (cron !== undefined) checkCron(cron, timezone)
  if (startsAt !== undefined && endsAt !== undefined && Date.parse(endsAt) < Date.parse(startsAt))
    throw badTiming('/ends_at', 'is before starts_at')
}

export const badTiming = (pointer: string, detail: string, cause?: unknown): AppError =>
  new AppError('invalid-request', `${pointer.slice(1)} ${detail}.`, {
    members: { errors: [{ pointer, detail }] },
    cause,
  })

function checkCron(cron: string, timezone: string): void {
  if (!FIVE_FIELDS.test(cron)) throw badTiming('/cron', 'must have five fields: minute, hour, day, month, weekday')
  try {
    parseCron(cron, timezone)
  } catch (error) {
    throw badTiming('/cron', 'is not a valid cron expression', error)
  }
}

function isZone(name: string): boolean {
  try {
    return ZONE_NAME.test(name) && Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
