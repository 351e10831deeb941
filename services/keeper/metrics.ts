import { counter, Gauge, type Registry } from '#shared/process/metrics.ts'

export type KeeperMetrics = ReturnType<typeof createKeeperMetrics>

export const createKeeperMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_jobs_created_total', 'Jobs accepted', ['type']),
  ended: counter(registry, 'hasty_jobs_ended_total', 'Jobs that ended, by status', ['type', 'status']),
  crashes: counter(registry, 'hasty_job_crashes_total', 'Losses of a worker that held a job, once for each job', [
    'type',
  ]),
  unreadable: counter(registry, 'hasty_unreadable_events_total', 'Events of the log that could not be read'),
  woken: counter(registry, 'hasty_woken_jobs_total', 'Stuck jobs that the sweeper woke; should stay 0'),
})

export function countApplied(
  { ended, crashes }: Pick<KeeperMetrics, 'ended' | 'crashes'>,
  applied: { ended: { type: string; status: string }[]; crashed: string[] },
): void {
  // Ends with the same labels are counted together, because a metric looks for its labels anew each time.
  const alike = Map.groupBy(applied.ended, ({ type, status }) => `${status} ${type}`)
  for (const ends of alike.values()) ended.inc({ ...ends[0] }, ends.length)
  for (const type of applied.crashed) crashes.inc({ type })
}

/** Gauges that are read when they are asked for, so that they also grow while a batch is tried again. */
export function showLag(registry: Registry, lag: () => { messages: number; seconds: number }): void {
  const show = (name: string, help: string, value: () => number) => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(value())
        },
      }),
    )
  }
  show(
    'hasty_projection_lag_messages',
    'Events not yet in the store, as seen by the owner of the projection',
    () => lag().messages,
  )
  show(
    'hasty_projection_lag_seconds',
    'Age of the oldest event that is not yet in the store, as seen by the owner of the projection',
    () => lag().seconds,
  )
}
