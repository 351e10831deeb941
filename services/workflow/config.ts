import { Cron } from 'croner'
import { z } from 'zod'
import { logLimitSettings } from '#shared/accept/settings.ts'
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

/** Five or six fields, UTC. */
const cronSetting = () => z.string().refine(isCron, 'expected a cron expression of five or six fields').optional()

function isCron(text: string): boolean {
  try {
    return /^\s*\S+(\s+\S+){4,5}\s*$/.test(text) && new Cron(text, { timezone: 'UTC', paused: true }).nextRun() !== null
  } catch {
    return false
  }
}

const GIB = 1024 ** 3

const settings = {
  ...commonSettings,
  ...httpSettings,
  PORT: portSetting(8082),
  /** The workflow service's own database; without it an embedded one lies in DATA_DIR. */
  WORKFLOW_MONGO_URL: optionalText(),
  /** false: answers HTTP, and picks nothing up. */
  WRK_ENABLED: flagSetting(true),
  /** When new requests, requests whose jobs ended, and jobs are picked up; unset: at once. */
  WRK_REQUEST_NEW_CRON: cronSetting(),
  WRK_REQUEST_INPROGRESS_CRON: cronSetting(),
  WRK_JOB_CRON: cronSetting(),
  /** What requests may call by name; the job services have the same. */
  ...serviceSettings,
  ...logLimitSettings,
  /** New requests are refused beyond so many bytes of them at the broker; those that run go on. */
  REQUESTS_MAX_BYTES: integerSetting(GIB, 1),
  /** How long ended requests can be read: not less than their Idempotency-Keys are known. */
  REQUEST_RETENTION_MS: retentionSetting(30 * DAY, 1 * DAY),
  HOUSEKEEPING_MS: durationSetting(MINUTE, 100),
}

export function readWorkflowConfig(env: Environment) {
  const config = parseConfig(settings, env)
  checkAuthSettings(config)
  return config
}

export type WorkflowConfig = ReturnType<typeof readWorkflowConfig>
