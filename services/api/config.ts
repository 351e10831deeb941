import { authSettings, checkAuthSettings } from '#shared/auth/settings.ts'
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
  originsSetting,
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
  /** `https://app.example.com,...`: the pages that a browser lets call the api. */
  CORS_ORIGINS: originsSetting(),
  /** Requests that one token, or one address, may send in a window, at each replica; 0: no limit. */
  RATE_LIMIT_PER_TOKEN: integerSetting(0, 0),
  RATE_LIMIT_PER_ADDRESS: integerSetting(0, 0),
  RATE_LIMIT_WINDOW_S: integerSetting(60, 1, 86_400),
  ...authSettings,
  /** The job services that /v1/workers is passed on to; a name stands for all its addresses. */
  JOB_URLS: addressesSetting(),
}

export function readApiConfig(env: Environment) {
  const config = parseConfig(settings, env, [['LOG_RETENTION_MS', 'COOLDOWN_MS']])
  checkAuthSettings(config)
  return config
}
