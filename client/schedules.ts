import type { JobAccepted, NewSchedule, ScheduleList, ScheduleSummary, ScheduleView } from './contracts.ts'
import { eachItem } from './each-item.ts'
import type { CallOptions, ChangeOptions } from './job-request.ts'
import { type Call, sendRequest, type Transport } from './request.ts'

export interface ScheduleOptions extends CallOptions {
  /** The tenant of the schedule; only for callers without a tenant. */
  tenant?: string | undefined
}

export interface ListSchedulesOptions extends CallOptions {
  /** Schedules per page, 1 to 200; 200 by default. */
  limit?: number | undefined
}

export type ScheduleCalls = ReturnType<typeof makeScheduleCalls>

/** Schedules, which create jobs at times. */
export function makeScheduleCalls(transport: Transport) {
  const call = <Body>(name: string, { tenant, signal }: ScheduleOptions, rest: Partial<Call>, verb = '') => {
    const path = `/v1/schedules/${encodeURIComponent(name)}${verb}`
    return sendRequest<Body>(transport, { method: 'GET', path, query: { tenant }, signal, ...rest })
  }
  return {
    /** All schedules, by name, without the payloads, page by page as they are requested. */
    list: ({ limit, signal }: ListSchedulesOptions = {}): AsyncGenerator<ScheduleSummary, void, undefined> =>
      eachItem((cursor) => {
        const query = { limit: limit?.toString(), cursor }
        return sendRequest<ScheduleList>(transport, { method: 'GET', path: '/v1/schedules', query, signal })
      }),

    get: (name: string, options: ScheduleOptions = {}): Promise<ScheduleView> => call(name, options, {}),

    /** Creates a schedule, or replaces the existing one. */
    put: (name: string, schedule: NewSchedule, options: ScheduleOptions = {}): Promise<ScheduleView> =>
      call(name, options, { method: 'PUT', body: schedule }),

    /**
     * Deletes a schedule and keeps its jobs. A repeat after a lost answer may be refused as `schedule-not-found`: the
     * schedule is then deleted.
     * @throws HastyError `schedule-not-found`
     */
    delete: (name: string, options: ScheduleOptions = {}): Promise<void> => call(name, options, { method: 'DELETE' }),

    /** Pauses a schedule: it creates no jobs until it is resumed, and does not make up for them. */
    pause: (name: string, options: ScheduleOptions = {}): Promise<ScheduleView> =>
      call(name, options, { method: 'POST' }, '/pause'),

    /** Resumes a schedule from now on. */
    resume: (name: string, options: ScheduleOptions = {}): Promise<ScheduleView> =>
      call(name, options, { method: 'POST' }, '/resume'),

    /** Creates one job of the schedule now. */
    trigger: (name: string, options: ScheduleOptions & ChangeOptions = {}): Promise<JobAccepted> =>
      call(name, options, { method: 'POST', idempotencyKey: options.idempotencyKey }, '/trigger'),
  }
}
