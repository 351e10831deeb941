import { LOG_DEFAULTS } from '#shared/contracts/log/limits.ts'
import { integerSetting } from '#shared/process/config.ts'

/** Beyond these nothing new is accepted; what is accepted always ends. */
export const logLimitSettings = {
  LOG_MAX_JOBS: integerSetting(LOG_DEFAULTS.maxJobs, 1),
  LOG_MAX_BYTES: integerSetting(LOG_DEFAULTS.maxBytes, 1),
  KEYS_MAX: integerSetting(1_000_000, 1),
}
