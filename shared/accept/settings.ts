import { LOG_DEFAULTS } from '#shared/contracts/log/limits.ts'
import { integerSetting } from '#shared/process/config.ts'

/** Limits beyond which nothing new is accepted; accepted work can always finish. */
export const logLimitSettings = {
  LOG_MAX_JOBS: integerSetting(LOG_DEFAULTS.maxJobs, 1).describe(
    'Jobs in the log beyond which new jobs get 503. Outcomes always have room.',
  ),
  LOG_MAX_BYTES: integerSetting(LOG_DEFAULTS.maxBytes, 1).describe(
    'Bytes in the log beyond which new jobs get 503. Keep it at 60 to 80 % of what the broker may store.',
  ),
}

export const keySettings = {
  KEYS_MAX: integerSetting(1_000_000, 1).describe(
    'Idempotency-Keys known at once, about 350 bytes of broker memory each. Beyond it a new key gets 503.',
  ),
}
