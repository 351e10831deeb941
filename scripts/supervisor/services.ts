import { join } from 'node:path'
import { type Child, startChild } from '../servers/child.ts'
import { BEHIND_API, choosePorts } from './choose-ports.ts'
import { forHandlers } from './for-handlers.ts'
import { type KeepRunningOptions, type Kept, keepRunning, type Restartable } from './keep-running.ts'
import type { Settings } from './settings.ts'
import { webhookSecretEnv } from './webhook-secret.ts'

const services = join(import.meta.dirname, '../../services')

export type ServiceContext = Pick<KeepRunningOptions, 'log' | 'onBadSettings'> & {
  settings: Settings
  port: number
  natsUrl: string
}

/** Creates the streams and the lanes, without which no service can work. Runs to its end. */
export function startSetup(context: ServiceContext): Promise<Child> {
  return startService('job/setup.ts', forHandlers(serviceEnv(context)))
}

/**
 * Starts the services and keeps them running. Several apis share one port by SO_REUSEPORT: the kernel spreads the
 * connections, and no proxy is needed. Each other service has a port of its own, which it keeps: the apis forward the
 * routes of the job and workflow services.
 */
export async function keepServicesRunning(context: ServiceContext): Promise<{ all: Kept[]; jobs: Restartable[] }> {
  const { settings, port, log, onBadSettings } = context
  const { JOB_REPLICAS: jobs, WORKFLOW_REPLICAS: workflows, INGEST_REPLICAS: ingests } = settings
  const keeperPorts = await choosePorts('keeper', settings.KEEPER_PORT, settings.KEEPER_REPLICAS, log)
  const jobPorts = await choosePorts('job', settings.JOB_PORT, jobs, log)
  const workflowPorts = await choosePorts('workflow', settings.WORKFLOW_PORT, workflows, log)
  const ingestPorts = await choosePorts('ingest', settings.INGEST_PORT, ingests, log)
  const apiEnv = serviceEnv(context, {
    PORT: String(port),
    JOB_URLS: urlsOf(jobPorts),
    WORKFLOW_URLS: urlsOf(workflowPorts),
    ...(settings.API_REPLICAS > 1 ? { REUSE_PORT: '1' } : {}),
  })
  const jobEnv = forHandlers(
    serviceEnv(context, {
      ...webhookSecretEnv(settings.DATA_DIR, process.env),
      HOST: BEHIND_API,
    }),
  )
  // The apis are its proxy.
  const workflowEnv = serviceEnv(context, { HOST: BEHIND_API, TRUST_PROXY: 'true' })
  const ingestEnv = forHandlers(serviceEnv(context, { HOST: BEHIND_API }))
  const keeperEnv = serviceEnv(context, { HOST: BEHIND_API })
  const keep = (name: string, file: string, env: NodeJS.ProcessEnv, onBad: typeof onBadSettings = onBadSettings) =>
    keepRunning({ name, start: () => startService(file, env), log, onBadSettings: onBad })
  const onBadHandlers = settings.WATCH ? null : onBadSettings
  const keptJobs = jobPorts.map((own, i) =>
    keep(`job-${i}`, 'job/main.ts', { ...jobEnv, PORT: String(own) }, onBadHandlers),
  )
  const others = [
    ...Array.from({ length: settings.API_REPLICAS }, (_, i) => keep(`api-${i}`, 'api/main.ts', apiEnv)),
    ...keeperPorts.map((own, i) => keep(`keeper-${i}`, 'keeper/main.ts', { ...keeperEnv, PORT: String(own) })),
    ...workflowPorts.map((own, i) => keep(`workflow-${i}`, 'workflow/main.ts', { ...workflowEnv, PORT: String(own) })),
    ...ingestPorts.map((own, i) => keep(`ingest-${i}`, 'ingest/main.ts', { ...ingestEnv, PORT: String(own) })),
  ]
  return { all: [...keptJobs, ...others], jobs: keptJobs }
}

const urlsOf = (ports: number[]) => ports.map((port) => `http://${BEHIND_API}:${port}`).join(',')

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
