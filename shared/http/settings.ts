import { authSettings } from '#shared/auth/settings.ts'
import { durationSetting, flagSetting, integerSetting, originsSetting } from '#shared/process/config.ts'
import { MINUTE } from '#shared/time/clock.ts'

/** Settings of every service that callers reach. */
export const httpSettings = {
  ...authSettings,
  REUSE_PORT: flagSetting(false).describe(
    'Several processes listen on one port and the kernel distributes the connections (Linux). `npm start` sets it.',
  ),
  TRUST_PROXY: flagSetting(false).describe(
    'Believe `Hasty-Request-Id` and `X-Forwarded-For`: only behind a proxy that always overwrites them, as nginx/ does.',
  ),
  STOP_LINGER_MS: durationSetting(0, 0, MINUTE).describe(
    'How long a stopping replica goes on refusing connections, so that its proxy notices. Compose and Kubernetes set 2000.',
  ),
  CORS_ORIGINS: originsSetting().describe('Origins whose pages may call from a browser.'),
  RATE_LIMIT_PER_TOKEN: integerSetting(0, 0).describe(
    'Requests that one token may send in a window, at each replica; 0: no limit.',
  ),
  RATE_LIMIT_PER_ADDRESS: integerSetting(0, 0).describe(
    'Requests that one address may send in a window, at each replica; 0: no limit.',
  ),
  RATE_LIMIT_WINDOW_S: integerSetting(60, 1, 86_400).describe('Seconds of such a window.'),
}
