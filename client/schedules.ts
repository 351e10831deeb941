import type { JobAccepted, NewSchedule, ScheduleList, ScheduleView } from './contracts.ts'
import type { CallOptions, ChangeOptions } from './job-request.ts'
import { type Call, sendRequest, type Transport } from './request.ts'

export interface ScheduleOptions extends CallOptions {
  /** Whose schedule; only for callers of no tenant. */
  tenant?: string | undefined
}

export type ScheduleCalls = ReturnType<typeof makeScheduleCalls>

/** Jobs that are made at times. */
export function makeScheduleCalls(transport: Transport) {
  const call = <Body>(name: string, { tenant, signal }: ScheduleOptions, rest: Partial<Call>, verb = '') => {
    const path = `/v1/schedules/${encodeURIComponent(name)}${verb}`
    return sendRequest<Body>(transport, { method: 'GET', path, query: { tenant }, signal, ...rest })
  }
  return {
    /** All of them, by name, without the payloads. */
    list: async ({ signal }: CallOptions = {}): Promise<ScheduleList['items']> =>
      (await sendRequest<ScheduleList>(transport, { method: 'GET', path: '/v1/schedules', signal })).items,

    get: (name: string, options: ScheduleOptions = {}): Promise<ScheduleView> => call(name, options, {}),

    /** Makes a schedule, or puts this one in the place of what it was. */
    put: (name: string, schedule: NewSchedule, options: ScheduleOptions = {}): Promise<ScheduleView> =>
      call(name, options, { method: 'PUT', body: schedule }),

    /**
     * Its jobs stay. One whose answer was lost may be refused as `schedule-not-found`: it is gone then.
     * @throws HastyError `schedule-not-found`
     */
    delete: (name: string, options: ScheduleOptions = {}): Promise<void> => call(name, options, { method: 'DELETE' }),

    /** What would have been made until it is resumed is not made. */
    pause: (name: string, options: ScheduleOptions = {}): Promise<ScheduleView> =>
      call(name, options, { method: 'POST' }, '/pause'),

    /** Goes on from now. */
    resume: (name: string, options: ScheduleOptions = {}): Promise<ScheduleView> =>
      call(name, options, { method: 'POST' }, '/resume'),

    /** Makes one job of it now. */
    trigger: (name: string, options: ScheduleOptions & ChangeOptions = {}): Promise<JobAccepted> =>
      call(name, options, { method: 'POST', idempotencyKey: options.idempotencyKey }, '/trigger'),
  }
}
