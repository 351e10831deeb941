import type { Digest, ErrorList, ErrorView, JobCount, ScheduleCalendar, Series, SystemHealth } from './contracts.ts'
import { eachItem } from './each-item.ts'
import { followEvents } from './follow-events.ts'
import { type CallOptions, type JobFilter, toFilterQuery, toTime } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'

interface TenantOptions extends CallOptions {
  /** Only this tenant's jobs; for tokens that are bound to none. */
  tenant?: string | undefined
}

export interface SeriesOptions extends TenantOptions {
  from?: Date | string | undefined
  /** By default now. */
  to?: Date | string | undefined
  /** By default the shortest that fits the range. */
  step?: Series['step'] | undefined
  type?: string | undefined
  /** Adds the points of each type. */
  byType?: boolean | undefined
}

export interface ErrorsOptions extends TenantOptions {
  type?: string | undefined
  /** Only errors that were last seen at this time or later. */
  from?: Date | string | undefined
  /** Only errors that were first seen before this time. */
  to?: Date | string | undefined
}

export interface CalendarOptions extends TenantOptions {
  from?: Date | string | undefined
  to?: Date | string | undefined
}

export type OverviewCalls = ReturnType<typeof makeOverviewCalls>

/** The calls about all jobs at once: over time, now, and by error. */
export function makeOverviewCalls(transport: Transport) {
  const get = <Body>(path: string, query: Record<string, string | undefined>, { signal }: CallOptions) =>
    sendRequest<Body>(transport, { method: 'GET', path, query, signal })
  return {
    /** Counts the jobs in each span of time. A number is null where it is not known. */
    series: ({ from, to, step, type, tenant, byType, ...options }: SeriesOptions = {}): Promise<Series> => {
      const by = byType === true ? 'type' : undefined
      return get('/v1/series', { from: toTime(from), to: toTime(to), step, type, tenant, by }, options)
    },

    /** Tells once a second what waits and runs; never ends by itself. */
    async *live({ tenant, signal }: TenantOptions = {}): AsyncGenerator<Digest, void, undefined> {
      const events = followEvents(transport, { path: '/v1/live', query: { tenant } }, { signal })
      for await (const { event: _event, seq: _seq, ...digest } of events) yield digest as unknown as Digest
    },

    /** All kinds of errors, last seen first, page by page as they are requested. */
    errors: ({ type, tenant, from, to, ...options }: ErrorsOptions = {}): AsyncGenerator<ErrorView, void, undefined> =>
      eachItem(async (cursor) => {
        const query = { type, tenant, from: toTime(from), to: toTime(to), cursor }
        const { errors, next_cursor } = await get<ErrorList>('/v1/errors', query, options)
        return { items: errors, next_cursor }
      }),

    /** How many jobs match the filter, up to 10,000. */
    count: ({ signal, ...filter }: JobFilter & CallOptions = {}): Promise<JobCount> =>
      get('/v1/jobs/count', toFilterQuery(filter), { signal }),

    /** How often schedules tick in each hour. */
    calendar: ({ from, to, tenant, ...options }: CalendarOptions = {}): Promise<ScheduleCalendar> =>
      get('/v1/schedules/calendar', { from: toTime(from), to: toTime(to), tenant }, options),

    /** How broker, store, log and workers are; needs the scope `admin` where tokens are required. */
    health: (options: CallOptions = {}): Promise<SystemHealth> => get('/v1/health', {}, options),
  }
}
