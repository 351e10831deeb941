import type { LogLimits } from '#shared/accept/door.ts'
import { lookForWorkers } from '#shared/bus/presence.ts'
import type { StreamState } from '#shared/bus/stream.ts'
import type { SystemHealth } from '#shared/contracts/http/health.ts'
import { overviewOperations } from '#shared/contracts/http/operations/overview.ts'
import { SUBJECTS_PER_JOB } from '#shared/contracts/log/limits.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { VERSION } from '#shared/process/version.ts'
import { storeAge } from '#shared/read-store/store-age.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import type { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import { orNullWithin } from '#shared/time/clock.ts'
import type { ApiConfig } from '../config.ts'

export interface HealthRoutesDeps
  extends Pick<ServiceBase<ApiConfig>, 'config' | 'broker' | 'stream' | 'clock' | 'health' | 'replicaId'> {
  view: ProjectionView
  limits: LogLimits
}

/** How long the broker may take; then the answer says that it does not know. */
const BROKER_MS = 1_000

export function healthRoutes(router: GuardedRouter, deps: HealthRoutesDeps): void {
  router.serve(overviewOperations.getHealth, async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await readHealth(deps)
  })
}

async function readHealth(deps: HealthRoutesDeps): Promise<SystemHealth> {
  const { config, broker, view, health, replicaId } = deps
  const checkpoint = await view.refresh().catch(() => null)
  const [age, state, workers, ready] = await Promise.all([
    storeAge(deps).catch(() => ({ as_of: null, lag_ms: null })),
    orNullWithin(BROKER_MS, deps.stream.state()),
    broker.isUp() ? orNullWithin(BROKER_MS, lookForWorkers(broker)) : null,
    health.answer('/readyz'),
  ])
  const readiness = JSON.parse(ready?.body ?? '{}') as Pick<SystemHealth, 'status' | 'checks' | 'details'>
  return {
    ...readiness,
    version: VERSION,
    replicas: {
      api: replicaId,
      keeper: checkpoint === null || checkpoint.owner === '' ? null : checkpoint.owner,
      workers:
        workers?.map(({ worker_id, types, slots, running, lends }) => ({ worker_id, types, slots, running, lends })) ??
        null,
    },
    broker: { up: broker.isUp() },
    store: {
      kind: config.MONGO_URL === undefined ? 'sqlite' : 'mongo',
      generation: view.generation,
      rebuilding: view.isRebuilding,
      ...age,
      lag_messages: state === null || checkpoint === null ? null : Math.max(0, state.lastSeq - checkpoint.seq),
    },
    log: state === null ? null : logView(state, deps.limits),
    settings: openSettings(config),
  }
}

function logView(state: StreamState, { maxBytes, maxJobs }: LogLimits): NonNullable<SystemHealth['log']> {
  const used = Math.max(state.bytes / maxBytes, state.subjects / (maxJobs * SUBJECTS_PER_JOB))
  return {
    first_seq: state.firstSeq,
    last_seq: state.lastSeq,
    messages: state.messages,
    bytes: state.bytes,
    max_bytes: maxBytes,
    max_jobs: maxJobs,
    used: Math.round(used * 10_000) / 10_000,
    created: state.created,
  }
}

/** Words among the settings that tell nothing but a choice. */
const OPEN_WORDS = new Set(['AUTH', 'LOG_LEVEL', 'LOG_FORMAT', 'DEFAULT_JOB_TYPE'])

/** Addresses, paths, names of users and secrets are texts, so texts are left out but for those that are known. */
const openSettings = (config: ApiConfig): SystemHealth['settings'] =>
  Object.fromEntries(
    Object.entries(config).filter(
      (each): each is [string, string | number | boolean] =>
        typeof each[1] === 'number' ||
        typeof each[1] === 'boolean' ||
        (typeof each[1] === 'string' && OPEN_WORDS.has(each[0])),
    ),
  )
