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
import { DAY, HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'

export const apiSettings = {
  ...commonSettings,
  ...httpSettings,
  PORT: portSetting(8080).describe('Port to listen on; 0: any free one.'),
  MONGO_URL: optionalText().describe('MongoDB of the read store, instead of SQLite in DATA_DIR.'),
  COOLDOWN_MS: retentionSetting(5 * MINUTE, 0).describe(
    'How long an object_id cannot be reused with the same type; 0: no cooldown.',
  ),
  LEASE_MS: durationSetting(10 * SECOND, 500).describe(
    'How long a worker may be silent before its jobs go to another worker.',
  ),
  LOG_RETENTION_MS: retentionSetting(HOUR, 0).describe(
    'How long the log keeps events that are no longer needed; at least COOLDOWN_MS.',
  ),
  ...logLimitSettings,
  SHARDS: integerSetting(SHARDS_DEFAULT, 1, SHARDS_MAX).describe(
    'Number of shards that messages go into; the same at api and ingest.',
  ),
  MESSAGES_MAX_BYTES: integerSetting(1024 ** 3, 1).describe(
    'Bytes of waiting messages at the broker beyond which new messages get 503.',
  ),
  JOB_RETENTION_MS: retentionSetting(30 * DAY, 0).describe('How long ended jobs can be read.'),
  HOUSEKEEPING_MS: durationSetting(MINUTE, 100).describe(
    'How often old jobs and requests are deleted, the log is trimmed, and stuck jobs are looked for.',
  ),
  CALLBACKS: flagSetting(true).describe('Whether a job may have a `callback_url`.'),
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
  JOB_URLS: addressesSetting().describe(
    'The job services that `/v1/workers` is forwarded to; a name stands for all its addresses. Unset: a 404.',
  ),
  WORKFLOW_URLS: addressesSetting().describe(
    'The workflow services that `/v1/requests` and `/v1/definitions` are forwarded to; not needed behind nginx.',
  ),
}

export function readApiConfig(env: Environment) {
  const config = parseConfig(apiSettings, env, [['LOG_RETENTION_MS', 'COOLDOWN_MS']])
  checkAuthSettings(config)
  return config
}

export type ApiConfig = ReturnType<typeof readApiConfig>
