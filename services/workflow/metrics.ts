import { counter, type Registry } from '#shared/process/metrics.ts'

export const createWorkflowMetrics = (registry: Registry) => ({
  created: counter(registry, 'hasty_requests_created_total', 'Requests accepted'),
  ended: counter(registry, 'hasty_requests_ended_total', 'Ended requests, by status', ['status']),
  handedBack: counter(
    registry,
    'hasty_request_deliveries_handed_back_total',
    'Deliveries that failed and will be retried, by consumer',
    ['consumer'],
  ),
})
