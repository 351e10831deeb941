import { join } from 'node:path'
import { type Child, startChild } from '../servers/child.ts'
import { BEHIND_API, choosePlaces, movePlace, type Place } from './choose-ports.ts'
import { forHandlers } from './for-handlers.ts'
import { type KeepRunningOptions, keepRunning, type Restartable } from './keep-running.ts'
import type { PortSetting, Settings } from './settings.ts'
import { webhookSecretEnv } from './webhook-secret.ts'

const services = join(import.meta.dirname, '../../services')

export type ServiceContext = Pick<KeepRunningOptions, 'log' | 'onBadSettings'> & {
  settings: Settings
  /** The place of the apis, which share one. */
  place: Place
  natsUrl: string
}

/** Creates the streams and the lanes, without which no service can work. Runs to its end. */
export function startSetup(context: ServiceContext): Promise<Child> {
  return startService('job/setup.ts', forHandlers(serviceEnv(context)))
}

/** Services that are kept running. */
export type Services = { all: Restartable[]; jobs: Restartable[] }

/**
 * Starts the services and keeps them running. Several apis share one port by SO_REUSEPORT: the kernel spreads the
 * connections, and no proxy is needed. Each other service has a port of its own: the apis forward the routes of the job
 * and workflow services, and are started again when one of these moves.
 */
export async function keepServicesRunning(context: ServiceContext): Promise<Services> {
  const { settings, place: apiPlace, log } = context
  const places = (setting: PortSetting, count: number) => choosePlaces(settings, setting, count, log)
  const keeperPlaces = await places('KEEPER_PORT', settings.KEEPER_REPLICAS)
  const jobPlaces = await places('JOB_PORT', settings.JOB_REPLICAS)
  const workflowPlaces = await places('WORKFLOW_PORT', settings.WORKFLOW_REPLICAS)
  const ingestPlaces = await places('INGEST_PORT', settings.INGEST_REPLICAS)
  const apis: Restartable[] = []
  const restartApis = async () => {
    for (const api of apis) await api.restart(settings.DRAIN_MS + STOP_MARGIN_MS)
  }
  const behindApi = { HOST: BEHIND_API }
  const jobEnv = forHandlers(serviceEnv(context, { ...webhookSecretEnv(settings.DATA_DIR, process.env), ...behindApi }))
  // The apis are its proxy.
  const workflowEnv = serviceEnv(context, { ...behindApi, TRUST_PROXY: 'true' })
  const ingestEnv = forHandlers(serviceEnv(context, behindApi))
  const keeperEnv = serviceEnv(context, behindApi)
  const apiEnv = () =>
    serviceEnv(context, {
      JOB_URLS: urlsOf(jobPlaces),
      WORKFLOW_URLS: urlsOf(workflowPlaces),
      ...(settings.API_REPLICAS > 1 ? { REUSE_PORT: '1' } : {}),
    })
  const keep = (service: string, own: Place[], env: () => NodeJS.ProcessEnv, moved = async () => {}) =>
    own.map((place, n) => keepService(context, `${service}-${n}`, `${service}/main.ts`, place, env, moved))
  apis.push(...keep('api', Array<Place>(settings.API_REPLICAS).fill(apiPlace), apiEnv))
  const jobs = keep('job', jobPlaces, () => jobEnv, restartApis)
  const others = [
    ...keep('keeper', keeperPlaces, () => keeperEnv),
    ...keep('workflow', workflowPlaces, () => workflowEnv, restartApis),
    ...keep('ingest', ingestPlaces, () => ingestEnv),
  ]
  return { all: [...jobs, ...apis, ...others], jobs }
}

/** Time beyond that of a drain, for handing back. */
const STOP_MARGIN_MS = 5_000

function keepService(
  { settings, log, onBadSettings }: ServiceContext,
  name: string,
  file: string,
  place: Place,
  env: () => NodeJS.ProcessEnv,
  moved: () => Promise<void>,
): Restartable {
  let tried = place.port
  return keepRunning({
    name,
    log,
    start: () => {
      tried = place.port
      return startService(file, { ...env(), PORT: String(tried) })
    },
    // Under WATCH somebody is at work on the handlers.
    onBadSettings: settings.WATCH && name.startsWith('job') ? null : onBadSettings,
    onPortTaken: async () => {
      const hasMoved = await movePlace(place, tried, log)
      // The others need not wait for it, nor does the service itself.
      if (hasMoved) void moved()
      return hasMoved
    },
  })
}

const urlsOf = (places: Place[]) => places.map(({ port }) => `http://${BEHIND_API}:${port}`).join(',')

/**
 * Starts a service, which learns of the supervisor's end by its lifeline and drains: nothing survives a kill -9 of the
 * supervisor.
 */
export function startService(file: string, env: NodeJS.ProcessEnv): Promise<Child> {
  return startChild(process.execPath, [join(services, file)], { env, ownGroup: true, lifeline: true })
}

function serviceEnv({ settings, natsUrl }: ServiceContext, own: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const syncsAlways = settings.NATS_URL === undefined && settings.NATS_SYNC === 'always'
  return {
    // Where every write waits for the disk, publishes go in groups; a user's own setting comes later and wins.
    ...(syncsAlways ? { NATS_GROUP_COMMIT: 'true' } : {}),
    ...process.env,
    NATS_URL: natsUrl,
    HOST: settings.HOST,
    DATA_DIR: settings.DATA_DIR,
    ...own,
  }
}
