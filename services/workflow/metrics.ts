import { counter, type Registry } from '#shared/process/metrics.ts'

export const createWorkflowMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_requests_created_total', 'Requests accepted'),
  ended: counter(registry, 'hasty_requests_ended_total', 'Requests that ended, by how', ['status']),
  handedBack: counter(
    registry,
    'hasty_request_deliveries_handed_back_total',
    'What could not be done at once and is tried again, by what it was',
    ['consumer'],
  ),
})
