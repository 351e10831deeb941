import { type ErrorList, type ErrorView, type ListErrorsQuery, SPARK_HOURS } from '#shared/contracts/http/errors.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import { makeCursor, readPlace } from '#shared/http/cursor.ts'
import type { FoundError } from '#shared/stores/jobs/errors/errors.ts'
import { AFTER_EVERY_TIME, type JobStore } from '#shared/stores/jobs/job-store.ts'
import { type Clock, HOUR, isoTime, SECOND } from '#shared/time/clock.ts'

export interface ListErrorsDeps {
  store: Pick<JobStore, 'errors'>
  clock: Clock
}

/** Where a page ended: the time and the fingerprint of its last error. */
const PLACE = /^(\S+) ([0-9a-f]{16}|other)$/

/**
 * A page of the kinds of errors of a tenant (null: of all jobs), last seen first.
 * @throws AppError `invalid-request` for a cursor of another search; `unavailable`
 */
export async function listErrors(
  { store, clock }: ListErrorsDeps,
  { type, from, to, cursor, limit }: Omit<ListErrorsQuery, 'tenant'>,
  tenant: string | null,
): Promise<ErrorList> {
  const search = {
    tenant,
    type: type ?? null,
    lastFrom: from === undefined ? '' : isoTime(Date.parse(from)),
    firstBelow: to === undefined ? AFTER_EVERY_TIME : isoTime(Date.parse(to)),
  }
  const place = cursor === undefined ? null : readPlace(search, cursor, (text) => PLACE.test(text))
  const [, lastAt = '', fingerprint = ''] = PLACE.exec(place ?? '') ?? []
  const after = place === null ? null : { lastAt, fingerprint }
  const found = await store.errors({ ...search, after, limit: limit + 1 }).catch(cannotRead('The store'))
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  const isMore = found.length > limit && last !== undefined
  return {
    errors: shown.map((each) => errorView(each, clock.now())),
    next_cursor: isMore ? makeCursor(search, `${last.tally.lastAt} ${last.fingerprint}`) : null,
  }
}

function errorView({ fingerprint, tally, failedNow }: FoundError, nowMs: number): ErrorView {
  const hourS = Math.floor(nowMs / HOUR) * (HOUR / SECOND)
  return {
    fingerprint,
    type: tally.type,
    name: tally.name,
    code: tally.code,
    message: tally.message,
    jobs_failed_now: failedNow,
    count: tally.count,
    first_at: tally.firstAt,
    last_at: tally.lastAt,
    sample_job_id: tally.sampleJobId,
    spark: Array.from(
      { length: SPARK_HOURS },
      (_, n) => tally.hours[hourS - (SPARK_HOURS - 1 - n) * (HOUR / SECOND)] ?? 0,
    ),
  }
}
