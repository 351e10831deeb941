import { counter, gauge, type Registry } from '#shared/process/metrics.ts'

export type KeeperMetrics = ReturnType<typeof createKeeperMetrics>

export const createKeeperMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_jobs_created_total', 'Jobs accepted', ['type']),
  unreadable: counter(registry, 'hasty_unreadable_events_total', 'Events of the log that could not be read'),
  lag: gauge(
    registry,
    'hasty_projection_lag_messages',
    'Events not yet in the store, as seen by the owner of the projection',
  ),
  woken: counter(registry, 'hasty_woken_jobs_total', 'Stuck jobs that the sweeper woke; should stay 0'),
})
