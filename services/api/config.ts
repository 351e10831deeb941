import { logLimitSettings } from '#shared/accept/settings.ts'
import { checkAuthSettings } from '#shared/auth/settings.ts'
import { SHARDS_DEFAULT, SHARDS_MAX } from '#shared/contracts/log/message.ts'
import { httpSettings } from '#shared/http/settings.ts'
import { trustedHostsSetting } from '#shared/outbound/settings.ts'
import {
  addressesSetting,
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
import { DAY, HOUR, MINUTE } from '#shared/time/clock.ts'

const settings = {
  ...commonSettings,
  ...httpSettings,
  PORT: portSetting(8080),
  MONGO_URL: optionalText(),
  COOLDOWN_MS: retentionSetting(5 * MINUTE, 0),
  LEASE_MS: durationSetting(10_000, 500),
  LOG_RETENTION_MS: retentionSetting(HOUR, 0),
  ...logLimitSettings,
  /** Into how many shards messages go; the ingest services must be told the same. */
  SHARDS: integerSetting(SHARDS_DEFAULT, 1, SHARDS_MAX),
  /** New messages are refused beyond so many bytes of them at the broker. */
  MESSAGES_MAX_BYTES: integerSetting(1024 ** 3, 1),
  JOB_RETENTION_MS: retentionSetting(30 * DAY, 0),
  /** How often the owner of the projection trims the log, sweeps and deletes old jobs. */
  HOUSEKEEPING_MS: durationSetting(MINUTE, 100),
  /** Whether a job may have a `callback_url`; it needs WEBHOOK_SECRET at the job services. */
  CALLBACKS: flagSetting(true),
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
  /** The job services that /v1/workers is passed on to; a name stands for all its addresses. */
  JOB_URLS: addressesSetting(),
  /** The same of the workflow services, for /v1/requests and /v1/definitions; a proxy before both needs it not. */
  WORKFLOW_URLS: addressesSetting(),
}

export function readApiConfig(env: Environment) {
  const config = parseConfig(settings, env, [['LOG_RETENTION_MS', 'COOLDOWN_MS']])
  checkAuthSettings(config)
  return config
}

export type ApiConfig = ReturnType<typeof readApiConfig>
