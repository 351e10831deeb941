import { keySettings, logLimitSettings } from '#shared/accept/settings.ts'
import { checkAuthSettings } from '#shared/auth/settings.ts'
import { SHARDS_DEFAULT, SHARDS_MAX } from '#shared/contracts/log/message.ts'
import { httpSettings } from '#shared/http/settings.ts'
import { trustedHostsSetting } from '#shared/outbound/settings.ts'
import {
  addressesSetting,
  commonSettings,
  type Environment,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
  retentionSetting,
  textSetting,
} from '#shared/process/config.ts'
import { storeLagSettings } from '#shared/service/store-lag.ts'
import { MINUTE } from '#shared/time/clock.ts'

export const apiSettings = {
  ...commonSettings,
  ...httpSettings,
  PORT: portSetting(8080).describe('Port to listen on; 0: any free one.'),
  MONGO_URL: optionalText().describe('MongoDB of the read store, instead of SQLite in DATA_DIR.'),
  COOLDOWN_MS: retentionSetting(5 * MINUTE, 0).describe(
    'How long an object_id cannot be reused with the same type, where the type has this rule; 0: no cooldown.',
  ),
  DEFAULT_JOB_TYPE: textSetting('sleep').describe(
    'The type of a job posted to `/` without one; `none`: such a job is refused, as under `/v1`.',
  ),
  ...storeLagSettings,
  ...logLimitSettings,
  ...keySettings,
  SHARDS: integerSetting(SHARDS_DEFAULT, 1, SHARDS_MAX).describe(
    'Number of shards that messages go into; the same at api and ingest.',
  ),
  MESSAGES_MAX_BYTES: integerSetting(1024 ** 3, 1).describe(
    'Bytes of waiting messages at the broker beyond which new messages get 503.',
  ),
  CALLBACKS: flagSetting(true).describe('Whether a job may have a `callback_url`.'),
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
  JOB_URLS: addressesSetting().describe(
    'The job services that `/v1/workers` is forwarded to; a name stands for all its addresses. If unset, it is 404.',
  ),
  WORKFLOW_URLS: addressesSetting().describe(
    'The workflow services that `/v1/requests` and `/v1/definitions` are forwarded to; not needed behind nginx.',
  ),
}

export function readApiConfig(env: Environment) {
  const config = parseConfig(apiSettings, env)
  checkAuthSettings(config)
  return config
}

export type ApiConfig = ReturnType<typeof readApiConfig>
