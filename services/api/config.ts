import { LOG_DEFAULTS } from '#shared/contracts/limits.ts'
import { trustedHostsSetting } from '#shared/outbound/settings.ts'
import { DAY, HOUR, MINUTE } from '#shared/runtime/clock.ts'
import {
  addressesSetting,
  commonSettings,
  type Environment,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
} from '#shared/runtime/config.ts'

const settings = {
  ...commonSettings,
  PORT: portSetting(8080),
  /** Several api processes listen on one port and the kernel shares the connections out (Linux). */
  REUSE_PORT: flagSetting(false),
  MONGO_URL: optionalText(),
  COOLDOWN_MS: integerSetting(5 * MINUTE, 0),
  LEASE_MS: integerSetting(10_000, 500),
  LOG_RETENTION_MS: integerSetting(HOUR, 0),
  LOG_MAX_JOBS: integerSetting(LOG_DEFAULTS.maxJobs, 1),
  LOG_MAX_BYTES: integerSetting(LOG_DEFAULTS.maxBytes, 1),
  JOB_RETENTION_MS: integerSetting(30 * DAY, 0),
  /** How often the owner of the projection trims the log, sweeps and deletes old jobs. */
  HOUSEKEEPING_MS: integerSetting(MINUTE, 100),
  /** Believe `Hasty-Request-Id` of the caller: only behind a proxy that always overwrites it. */
  TRUST_PROXY: flagSetting(false),
  /** Whether a job may have a `callback_url`; it needs WEBHOOK_SECRET at the job services. */
  CALLBACKS: flagSetting(true),
  OUTBOUND_TRUSTED_HOSTS: trustedHostsSetting(),
  /** Where no proxy does it: the job services that /v1/workers is passed on to. */
  JOB_URLS: addressesSetting(),
}

export const readApiConfig = (env: Environment) => parseConfig(settings, env, [['LOG_RETENTION_MS', 'COOLDOWN_MS']])
