import { resolve } from 'node:path'
import {
  ConfigError,
  choiceSetting,
  commonSettings,
  type Environment,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
} from '#shared/process/config.ts'

export type Settings = ReturnType<typeof readSettings>

const replicas = (min: number) => integerSetting(1, min, 64)

/** The settings of the ports of all services. */
export type PortSetting = 'PORT' | 'KEEPER_PORT' | 'JOB_PORT' | 'WORKFLOW_PORT' | 'INGEST_PORT'

const metricsPort = (fallback: number, service: string) =>
  portSetting(fallback).describe(
    `Port of the first ${service} on 127.0.0.1, for \`/metrics\` and \`/readyz\`; the next ones follow. 0: any free one.`,
  )

export const startSettings = {
  PORT: portSetting(8080).describe('Port to listen on; 0: any free one.'),
  HOST: commonSettings.HOST,
  DATA_DIR: commonSettings.DATA_DIR,
  NATS_URL: optionalText().describe('With it `npm start` starts no broker of its own.'),
  NATS_SYNC: choiceSetting(['10ms', 'always'] as const, '10ms').describe(
    'The sync_interval of the broker that `npm start` starts: with `always`, a 201 means "on disk".',
  ),
  API_REPLICAS: replicas(1).describe('Processes of the api; more than one only on Linux.'),
  KEEPER_REPLICAS: replicas(1).describe(
    'Processes of the keeper; one folds the log, and another takes over when it ends.',
  ),
  JOB_REPLICAS: replicas(1).describe('Processes of the job service.'),
  WORKFLOW_REPLICAS: replicas(0).describe('Processes of the workflow service; 0: no requests.'),
  INGEST_REPLICAS: replicas(0).describe('Processes of the ingest service; 0: messages are accepted but not processed.'),
  KEEPER_PORT: metricsPort(8180, 'keeper'),
  JOB_PORT: metricsPort(8280, 'job service'),
  WORKFLOW_PORT: metricsPort(8380, 'workflow service'),
  INGEST_PORT: metricsPort(8480, 'ingest service'),
  HANDLERS_DIR: optionalText().describe('Folder of your own job types. Setup needs it too.'),
  WATCH: flagSetting(false).describe(
    'Whether `npm start` loads the handlers anew when a file of HANDLERS_DIR changes.',
  ),
  /** The default of services/job. */
  DRAIN_MS: integerSetting(10_000, 0, 3_600_000).describe(
    'How long a stopping process lets running jobs, or planned batches of messages, finish.',
  ),
  LOG_FORMAT: commonSettings.LOG_FORMAT,
  LOG_LEVEL: commonSettings.LOG_LEVEL,
}

/** The settings that `npm start` itself needs; all others go to the services unchanged, which check them. */
export function readSettings(env: Environment) {
  const settings = parseConfig(startSettings, env)
  if (settings.WATCH && settings.HANDLERS_DIR === undefined)
    throw new ConfigError('WATCH: needs HANDLERS_DIR, the folder to watch')
  return {
    ...settings,
    DATA_DIR: resolve(settings.DATA_DIR),
    /** Whether the user has set this port to a number: then nothing else may take its place. */
    isPortSet: (name: PortSetting): boolean => (env[name] ?? '') !== '' && settings[name] > 0,
  }
}
