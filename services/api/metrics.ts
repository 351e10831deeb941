import { counter, gauge, type Registry } from '#shared/process/metrics.ts'

export type ApiMetrics = ReturnType<typeof createApiMetrics>

export const createApiMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_jobs_created_total', 'Jobs accepted', ['type']),
  messages: counter(registry, 'hasty_messages_accepted_total', 'Messages accepted'),
  unreadable: counter(registry, 'hasty_unreadable_events_total', 'Events of the log that could not be read'),
  lag: gauge(registry, 'hasty_projection_lag_messages', 'Events not yet in the store, as the owner sees it'),
  woken: counter(registry, 'hasty_woken_jobs_total', 'Stuck jobs that the sweeper woke; should stay 0'),
})
