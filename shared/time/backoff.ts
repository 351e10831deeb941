import type { Backoff } from '#shared/contracts/log/job.ts'
import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'

/**
 * Milliseconds until the next attempt, at most as long as a job may be delayed: an older version accepted any maximum.
 * @param attempt the one that failed, from 1
 * @param random in [0, 1): takes away up to `jitter` of the delay, so that jobs that failed together do not return
 * together
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const raw = backoff.kind === 'fixed' ? backoff.base_ms : backoff.base_ms * 2 ** (attempt - 1)
  return Math.round(Math.min(raw, backoff.max_ms, DELAY_MAX_MS) * (1 - backoff.jitter * random))
}
