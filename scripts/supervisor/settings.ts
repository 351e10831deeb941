import { resolve } from 'node:path'
import {
  choiceSetting,
  commonSettings,
  type Environment,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
} from '#shared/process/config.ts'

export type Settings = ReturnType<typeof readSettings>

/** What `npm start` itself needs; every other setting goes to the services as it is, and they check it. */
export function readSettings(env: Environment) {
  const replicas = () => integerSetting(1, 1, 64)
  const settings = parseConfig(
    {
      PORT: portSetting(8080),
      HOST: commonSettings.HOST,
      DATA_DIR: commonSettings.DATA_DIR,
      /** A broker that runs already; without it we start one. */
      NATS_URL: optionalText(),
      /** The sync_interval of the broker that we start: `10ms`, or `always` for "201 means on disk". */
      NATS_SYNC: choiceSetting(['10ms', 'always'] as const, '10ms'),
      API_REPLICAS: replicas(),
      JOB_REPLICAS: replicas(),
      /** 0: no requests. */
      WORKFLOW_REPLICAS: integerSetting(1, 0, 64),
      /** 0: messages are accepted, and wait. */
      INGEST_REPLICAS: integerSetting(1, 0, 64),
      /** The default of services/job: how long a replica may take to finish or hand back what it runs. */
      DRAIN_MS: integerSetting(10_000, 0, 3_600_000),
      LOG_FORMAT: commonSettings.LOG_FORMAT,
      LOG_LEVEL: commonSettings.LOG_LEVEL,
    },
    env,
  )
  return { ...settings, DATA_DIR: resolve(settings.DATA_DIR) }
}
