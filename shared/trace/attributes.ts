/**
 * The names of the attributes of spans, in one place: the messaging ones follow OpenTelemetry's conventions, which are not
 * yet stable.
 */
export const ATTRIBUTES = {
  system: 'messaging.system',
  destination: 'messaging.destination.name',
  messageId: 'messaging.message.id',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  errorType: 'error.type',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  urlPath: 'url.path',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  attempt: 'hasty.attempt',
  outcome: 'hasty.outcome',
  fencingToken: 'hasty.fencing_token',
  worker: 'hasty.worker_id',
  tenant: 'hasty.tenant',
  waitMs: 'hasty.wait_ms',
  requestId: 'hasty.request_id',
  round: 'hasty.round',
  schedule: 'hasty.schedule',
} as const

export const SYSTEM = 'hasty'
