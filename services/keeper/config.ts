import { logLimitSettings } from '#shared/accept/settings.ts'
import { trustedHostsSetting } from '#shared/outbound/settings.ts'
import {
  commonSettings,
  durationSetting,
  type Environment,
  flagSetting,
  optionalText,
  parseConfig,
  portSetting,
  retentionSetting,
} from '#shared/process/config.ts'
import { storeLagSettings } from '#shared/service/store-lag.ts'
import { DAY, HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'

export const keeperSettings = {
  ...commonSettings,
  PORT: portSetting(0).describe('Port to listen on; 0: any free one.'),
  MONGO_URL: optionalText().describe('MongoDB of the read store, instead of SQLite in DATA_DIR.'),
  COOLDOWN_MS: retentionSetting(5 * MINUTE, 0).describe(
    'How long an object_id cannot be reused with the same type, where the type has this rule; 0: no cooldown.',
  ),
  LEASE_MS: durationSetting(10 * SECOND, 500).describe(
    'How long a worker may be silent before its jobs go to another worker.',
  ),
  LOG_RETENTION_MS: retentionSetting(HOUR, 0).describe(
    'How long the log keeps events that are no longer needed; at least COOLDOWN_MS.',
  ),
  ...storeLagSettings,
  ...logLimitSettings,
  JOB_RETENTION_MS: retentionSetting(30 * DAY, 0).describe('How long ended jobs can be read.'),
  HOUSEKEEPING_MS: durationSetting(MINUTE, 100).describe(
    'How often old jobs and requests are deleted, the log is trimmed, and stuck jobs are looked for.',
  ),
  CALLBACKS: flagSetting(true).describe('Whether a job may have a `callback_url`.'),
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
}

export const readKeeperConfig = (env: Environment) =>
  parseConfig(keeperSettings, env, [['LOG_RETENTION_MS', 'COOLDOWN_MS']])

export type KeeperConfig = ReturnType<typeof readKeeperConfig>
