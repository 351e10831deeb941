import { counter, type Registry } from '#shared/process/metrics.ts'

export const createApiMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_jobs_created_total', 'Jobs accepted', ['type']),
  messages: counter(registry, 'hasty_messages_accepted_total', 'Messages accepted'),
})
