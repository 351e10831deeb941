import { authSettings } from '#shared/auth/settings.ts'
import { durationSetting, flagSetting, integerSetting, originsSetting } from '#shared/process/config.ts'
import { MINUTE } from '#shared/time/clock.ts'

/** Of every service that callers reach. */
export const httpSettings = {
  ...authSettings,
  /** Several processes listen on one port and the kernel shares the connections out (Linux). */
  REUSE_PORT: flagSetting(false),
  /** Believe `Hasty-Request-Id` and `X-Forwarded-For` of the caller: only behind a proxy that always overwrites them. */
  TRUST_PROXY: flagSetting(false),
  /** How long a stopping replica goes on refusing connections before it ends: a proxy that is refused asks another one. */
  STOP_LINGER_MS: durationSetting(0, 0, MINUTE),
  /** `https://app.example.com,...`: the pages that a browser lets call. */
  CORS_ORIGINS: originsSetting(),
  /** Requests that one token, or one address, may send in a window, at each replica; 0: no limit. */
  RATE_LIMIT_PER_TOKEN: integerSetting(0, 0),
  RATE_LIMIT_PER_ADDRESS: integerSetting(0, 0),
  RATE_LIMIT_WINDOW_S: integerSetting(60, 1, 86_400),
}
