import { counter, gauge, histogram, type Registry, RUN_BUCKETS_S, WAIT_BUCKETS_S } from '#shared/process/metrics.ts'

export type JobMetrics = ReturnType<typeof createJobMetrics>

export const createJobMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_jobs_created_total', 'Jobs accepted', ['type']),
  attempts: counter(registry, 'hasty_job_attempts_total', 'Attempts that ended, by outcome', ['type', 'outcome']),
  runSeconds: histogram(registry, 'hasty_job_run_duration_seconds', 'Duration of attempts', RUN_BUCKETS_S, ['type']),
  waitSeconds: histogram(
    registry,
    'hasty_job_wait_duration_seconds',
    'Time from accepting a job to the start of its first attempt',
    WAIT_BUCKETS_S,
    ['type'],
  ),
  inFlight: gauge(registry, 'hasty_jobs_in_flight', 'Jobs that this process holds now'),
  refused: counter(registry, 'hasty_refused_outcomes_total', 'Outcomes of superseded attempts that the broker refused'),
  dropped: counter(registry, 'hasty_dropped_deliveries_total', 'Deliveries of jobs that another worker still runs'),
  parked: counter(registry, 'hasty_unreadable_triggers_total', 'Triggers that could not be read'),
  unstored: counter(
    registry,
    'hasty_worker_store_dropped_total',
    'Attempts that were dropped because the store of workers was away for too long',
  ),
  unhandledRejections: counter(
    registry,
    'hasty_unhandled_rejections_total',
    'Rejected promises of handlers that nobody awaited; without a type where it is unknown',
    ['type'],
  ),
  abandoned: gauge(registry, 'hasty_abandoned_handlers', 'Handlers that were told to stop and still run', ['type']),
})
