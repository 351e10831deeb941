import type { OpenRequests } from '#shared/bus/open-requests.ts'
import { Gauge, type Registry } from '#shared/process/metrics.ts'
import { SECOND } from '#shared/time/clock.ts'
import type { TypeLevel } from './read-type-levels.ts'

/** What the owner of the projection tells of the whole system, for all replicas. */
export interface SystemLevels {
  types: TypeLevel[]
  log: { bytes: number; bytesMax: number; jobs: number; jobsMax: number }
  /** How late the most overdue tick of a schedule is. */
  scheduleLateSeconds: number
  /** null where no workflow service answers. */
  openRequests: OpenRequests | null
}

/** The gauges of one scrape are read at once. */
const SAME_SCRAPE_MS = SECOND / 2

type Fill = (gauge: Gauge, levels: SystemLevels) => void

const byType =
  (of: (type: TypeLevel) => number): Fill =>
  (gauge, { types }) => {
    for (const level of types) gauge.set({ type: level.type }, of(level))
  }

const GAUGES: { name: string; help: string; labels: string[]; fill: Fill }[] = [
  {
    name: 'hasty_jobs_waiting',
    help: 'Jobs that wait for a worker, by the lane that they wait in',
    labels: ['type', 'priority'],
    fill: (gauge, { types }) => {
      for (const { type, waiting } of types)
        for (const [priority, count] of waiting) gauge.set({ type, priority }, count)
    },
  },
  {
    name: 'hasty_jobs_running',
    help: 'Jobs that workers hold',
    labels: ['type'],
    fill: byType(({ running }) => running),
  },
  {
    name: 'hasty_oldest_waiting_seconds',
    help: 'Age of the job that has waited longest for a worker; 0 where none waits',
    labels: ['type'],
    fill: byType(({ oldestWaitingSeconds }) => oldestWaitingSeconds),
  },
  {
    name: 'hasty_workers_live',
    help: 'Workers that answer and run the type',
    labels: ['type'],
    fill: byType(({ workers }) => workers),
  },
  {
    name: 'hasty_worker_slots',
    help: 'Jobs that the workers of the type can run at once, of all their types',
    labels: ['type'],
    fill: byType(({ slots }) => slots),
  },
  {
    name: 'hasty_type_paused',
    help: '1 for a type that is paused, else 0',
    labels: ['type'],
    fill: byType(({ isPaused }) => Number(isPaused)),
  },
  {
    name: 'hasty_log_bytes',
    help: 'Size of the log',
    labels: [],
    fill: (gauge, { log }) => gauge.set(log.bytes),
  },
  {
    name: 'hasty_log_limit_bytes',
    help: 'Size of the log from which on no new jobs are taken (LOG_MAX_BYTES)',
    labels: [],
    fill: (gauge, { log }) => gauge.set(log.bytesMax),
  },
  {
    name: 'hasty_log_jobs',
    help: 'Histories in the log, about one for each job that is not yet trimmed',
    labels: [],
    fill: (gauge, { log }) => gauge.set(log.jobs),
  },
  {
    name: 'hasty_log_limit_jobs',
    help: 'Histories in the log from which on no new jobs are taken (LOG_MAX_JOBS)',
    labels: [],
    fill: (gauge, { log }) => gauge.set(log.jobsMax),
  },
  {
    name: 'hasty_schedule_late_seconds',
    help: 'How late the most overdue tick of a schedule is; 0 where none is due',
    labels: [],
    fill: (gauge, { scheduleLateSeconds }) => gauge.set(scheduleLateSeconds),
  },
  {
    name: 'hasty_requests_open',
    help: 'Requests that have not ended, by status; none where no workflow service answers',
    labels: ['status'],
    fill: (gauge, { openRequests }) => {
      for (const [status, count] of Object.entries(openRequests ?? {})) gauge.set({ status }, count)
    },
  },
]

/**
 * Registers the gauges of the whole system. A replica that is not the owner shows none, so that sums over replicas are
 * right; nor does the owner while the broker is away, because nobody knows.
 * @param read null at a replica that is not the owner
 */
export function showGauges(registry: Registry, read: () => Promise<SystemLevels> | null): void {
  let last: { atMs: number; levels: Promise<SystemLevels | null> } | null = null
  const readOnce = (): Promise<SystemLevels | null> => {
    const nowMs = performance.now()
    if (last === null || nowMs - last.atMs > SAME_SCRAPE_MS)
      last = { atMs: nowMs, levels: (read() ?? Promise.resolve(null)).catch(() => null) }
    return last.levels
  }
  for (const { fill, labels, ...about } of GAUGES) {
    const gauge = new Gauge({
      ...about,
      labelNames: labels,
      registers: [],
      async collect() {
        const levels = await readOnce()
        this.reset()
        if (levels !== null) fill(this, levels)
        // Without labels it would show 0.
        else if (labels.length === 0) this.remove()
      },
    })
    registry.registerMetric(gauge)
  }
}
