import { Cron } from 'croner'
import { z } from 'zod'
import { keySettings, logLimitSettings } from '#shared/accept/settings.ts'
import { checkAuthSettings } from '#shared/auth/settings.ts'
import { httpSettings } from '#shared/http/settings.ts'
import { serviceSettings } from '#shared/outbound/settings.ts'
import {
  commonSettings,
  durationSetting,
  type Environment,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
  retentionSetting,
} from '#shared/process/config.ts'
import { DAY, MINUTE } from '#shared/time/clock.ts'

const cronSetting = () =>
  z
    .string()
    .refine(isCron, 'expected a cron expression of five or six fields')
    .optional()
    .meta({ values: 'a cron expression of five or six fields, UTC' })

function isCron(text: string): boolean {
  try {
    return /^\s*\S+(\s+\S+){4,5}\s*$/.test(text) && new Cron(text, { timezone: 'UTC', paused: true }).nextRun() !== null
  } catch {
    return false
  }
}

const GIB = 1024 ** 3

export const workflowSettings = {
  ...commonSettings,
  ...httpSettings,
  PORT: portSetting(8082).describe('Port to listen on; 0: any free one.'),
  WORKFLOW_MONGO_URL: optionalText().describe(
    'MongoDB of the store of requests, a database of its own; else SQLite in DATA_DIR.',
  ),
  WRK_ENABLED: flagSetting(true).describe('`false`: requests are accepted and shown, but none is started.'),
  WRK_REQUEST_NEW_CRON: cronSetting().describe('When new requests are started; by default immediately.'),
  WRK_REQUEST_INPROGRESS_CRON: cronSetting().describe(
    'When requests continue after their jobs have ended; by default immediately.',
  ),
  WRK_JOB_CRON: cronSetting().describe('When the jobs of requests are created; by default immediately.'),
  ...serviceSettings,
  ...logLimitSettings,
  ...keySettings,
  REQUESTS_MAX_BYTES: integerSetting(GIB, 1).describe(
    'Bytes of requests at the broker beyond which new requests get 503; running requests continue.',
  ),
  // At least as long as Idempotency-Keys are kept.
  REQUEST_RETENTION_MS: retentionSetting(30 * DAY, 1 * DAY).describe('How long ended requests can be read.'),
  HOUSEKEEPING_MS: durationSetting(MINUTE, 100).describe(
    'How often old jobs and requests are deleted, the log is trimmed, and stuck jobs are looked for.',
  ),
}

export function readWorkflowConfig(env: Environment) {
  const config = parseConfig(workflowSettings, env)
  checkAuthSettings(config)
  return config
}

export type WorkflowConfig = ReturnType<typeof readWorkflowConfig>
