import { durationSetting } from '#shared/process/config.ts'
import { SECOND } from '#shared/time/clock.ts'

export const storeLagSettings = {
  STORE_LAG_MAX_MS: durationSetting(30 * SECOND, 1 * SECOND).describe(
    'How far the read store may be behind the log before `/readyz` says that the service is degraded.',
  ),
}

/** A line for /readyz. @param lagMs how far the store is behind; null: not known */
export const describeLag = (lagMs: number | null, maxMs: number): string =>
  lagMs === null || lagMs <= maxMs ? 'ok' : `lists and counts are ${Math.round(lagMs / SECOND)} s behind`
