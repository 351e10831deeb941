import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, whyLogFull } from '#shared/accept/door.ts'
import { IdempotencyKeys } from '#shared/accept/idempotency-keys.ts'
import { JobTypes, lanesOf } from '#shared/accept/job-types.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { answerOpenRequests } from '#shared/bus/open-requests.ts'
import { Records } from '#shared/bus/records.ts'
import { Stream } from '#shared/bus/stream.ts'
import { REQUESTS_STREAM } from '#shared/contracts/log/subjects.ts'
import { createGuardedRouter } from '#shared/http/guarded-router.ts'
import { serveHttp } from '#shared/http/serve-http.ts'
import { servicesOf } from '#shared/outbound/settings.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import type { Running } from '#shared/service/run-service.ts'
import type { WorkflowConfig } from './config.ts'
import { DEFINITION_RECORDS, DefinitionRecords } from './definitions/definition-records.ts'
import { createChangeQueue } from './engine/change-request.ts'
import { createGeneration } from './engine/generation.ts'
import { REQUEST_RECORDS, RequestRecords } from './engine/request-records.ts'
import { createWorkflowMetrics } from './metrics.ts'
import { openStore } from './open-store.ts'
import { ListAge } from './requests/list-age.ts'
import { workflowRoutes } from './routes.ts'
import { startEngine } from './start-engine.ts'

/**
 * Starts the service for requests of several steps: they are accepted from and shown to callers, and carried out by the
 * engine.
 */
export async function startWorkflow(base: ServiceBase<WorkflowConfig>): Promise<Running> {
  const { config, clock, log, life } = base
  const store = await openStore(config)
  life.onEnd(() => store.close())
  base.health.addCheck('store', () => store.ping())
  const metrics = createWorkflowMetrics(base.registry)
  // Each request is some ten writes, one after the other.
  const requests = new Records(REQUEST_RECORDS, { ...base, groupCommit: config.NATS_GROUP_COMMIT })
  const definitions = new Records(DEFINITION_RECORDS, base)
  for (const each of [definitions, requests]) life.onStop(() => each.close())
  const deps = {
    ...base,
    history: new JobHistory(base),
    ...metrics,
    ...(await openAdmission(base, requests)),
    records: new RequestRecords(requests, base.broker.maxPayload),
    definitions: new DefinitionRecords(definitions),
    changes: createChangeQueue(),
    generation: createGeneration(requests, clock),
    services: servicesOf(config),
    store,
  }
  const engine = await startEngine(base, deps)
  // For the gauges of the keeper.
  life.onStop(answerOpenRequests(base.broker, () => store.countOpen()))
  const listAge = new ListAge({ ...base, store, stream: new Stream(base.broker, REQUESTS_STREAM) })
  await life.start(listAge)
  const router = createGuardedRouter(config, clock, log)
  workflowRoutes(router, { ...deps, ...engine, listAge })
  const port = await serveHttp(base, router)
  log.info({ port }, 'workflow is ready')
  return { port }
}

/** Opens the checks of new work: whether it may come in, of which types, and whether it came in before. */
async function openAdmission(base: ServiceBase<WorkflowConfig>, requests: Pick<Records<unknown, never>, 'state'>) {
  const { config, broker, stream, clock, log, life } = base
  const types = new JobTypes(lanesOf(broker), clock, log)
  const limits = { maxBytes: config.LOG_MAX_BYTES, maxJobs: config.LOG_MAX_JOBS }
  const door = new Door({
    whyFull: async () => {
      const { bytes } = await requests.state()
      return bytes >= config.REQUESTS_MAX_BYTES
        ? `The broker holds ${bytes} bytes of requests; the limit for new ones is ${config.REQUESTS_MAX_BYTES}. Try again later.`
        : whyLogFull(await stream.state(), limits)
    },
    isBrokerUp: () => broker.isUp(),
    whyNoRoom: () => whyDiskFull(config.DATA_DIR),
    log,
  })
  const keys = new IdempotencyKeys(base)
  for (const each of [types, door, keys]) await life.start(each)
  return { types, door, keys }
}
