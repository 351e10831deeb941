import type { NatsConnection } from '@nats-io/transport-node'
import { expect, vi } from 'vitest'
import { connectBroker } from '#shared/bus/connection.ts'
import { Records } from '#shared/bus/records.ts'
import type { ScheduleRecord, ScheduleView } from '#shared/contracts/http/schedules.ts'
import { jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { SCHEDULE_RECORDS, type ScheduleKey, type ScheduleRecords } from '#shared/schedules/schedule-records.ts'
import { scheduleMadeAt } from '#shared/schedules/test-schedule.ts'
import { systemClock } from '#shared/time/clock.ts'
import { silentLog } from '../support/bus.ts'
import { type ApiAnswer, send } from '../support/call.ts'
import { connectTest, readLog } from '../support/read-log.ts'

export const QUICK_JOB = { type: 'sleep', payload: { ms: 1 } }

export const address = (url: string, name: string, verb = ''): string => `${url}/v1/schedules/${name}${verb}`

export const put = (url: string, name: string, body: Record<string, unknown>): Promise<ApiAnswer> =>
  send('PUT', address(url, name), { job: QUICK_JOB, ...body })

export async function view(url: string, name: string): Promise<ScheduleView> {
  const { status, body } = await send('GET', address(url, name))
  expect(status).toBe(200)
  return body as unknown as ScheduleView
}

/** Waits until the schedule looks like this. */
export const untilView = (url: string, name: string, fields: Partial<ScheduleView>): Promise<ScheduleView> =>
  vi.waitFor(
    async () => {
      const seen = await view(url, name)
      expect(seen).toMatchObject(fields)
      return seen
    },
    { timeout: 20_000, interval: 50 },
  )

/** For times that must pass; everything else can be waited for by itself. */
export const untilTime = (ms: number): Promise<void> =>
  vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(ms), { timeout: 60_000, interval: 20 })

/** A job that a schedule made. */
export interface Tick {
  jobId: string
  tickMs: number
  /** When the broker stored it. */
  storedMs: number
}

/** A connection past all of our code, which reads what was stored. */
export async function openLog(natsUrl: string): Promise<AsyncDisposable & { ticks(name: string): Promise<Tick[]> }> {
  const nc: NatsConnection = await connectTest(natsUrl)
  return {
    async ticks(name) {
      const created = (await readLog(nc)).filter(
        ({ event }) => event?.event === 'job:created' && event.object_id === `schedule:${name}`,
      )
      return created.map(({ event, timeMs }) => ({
        jobId: event?.job_id ?? '',
        tickMs: jobIdTimeMs(event?.job_id ?? ''),
        storedMs: timeMs,
      }))
    },
    [Symbol.asyncDispose]: () => nc.close(),
  }
}

/** Each tick of the schedule up to the last one, once. */
export function expectEachOnce(ticks: Tick[], everyMs: number): void {
  const times = ticks.map(({ tickMs }) => tickMs).toSorted((a, b) => a - b)
  const first = times[0] ?? 0
  expect(times).toEqual(times.map((_, i) => first + i * everyMs))
}

export interface OpenRecords extends AsyncDisposable {
  records: ScheduleRecords
  /** @param afterSeq the sequence of the record now; 0 where there is none */
  write(record: ScheduleRecord, afterSeq?: number): ReturnType<ScheduleRecords['write']>
}

/** The schedules as they are stored, to be made to look as if time had passed. */
export async function openRecords(natsUrl: string): Promise<OpenRecords> {
  const broker = await connectBroker({ url: natsUrl, name: 'test', clock: systemClock, log: silentLog })
  const records = new Records(SCHEDULE_RECORDS, { broker, clock: systemClock })
  return {
    records,
    write: (record, afterSeq = 0) => records.write(record, record, { afterSeq }),
    async [Symbol.asyncDispose]() {
      records.close()
      await broker.close()
    },
  }
}

/** A schedule of no tenant. */
export const named = (name: string): ScheduleKey => ({ tenant: null, name })

/** A schedule as an earlier PUT stored it. */
export const oldRecord = (name: string, madeMs: number, own: Partial<ScheduleRecord>): ScheduleRecord =>
  scheduleMadeAt(madeMs, { name, job: { type: 'sleep', priority: 'normal', payload: { ms: 1 } }, ...own })
