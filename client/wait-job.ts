import { plainId } from '../shared/formats/plain-text.ts'
import type { JobView } from './contracts.ts'
import { WaitTimeout } from './errors.ts'
import { sendRequest, type Transport } from './request.ts'
import { backoffMs, durationOption, pause, startDeadline } from './timing.ts'

/** Seconds that a poll asks the server to wait: less than proxies allow; a stopping server answers at once anyway. */
const POLL_S = 30

/** Time under which an answer came without a wait. */
const EARLY_MS = 1_000

export const WAIT_DEFAULT_MS = 60_000

export interface WaitOptions {
  /** Milliseconds to wait for the end; 60,000 by default, Infinity for no limit. */
  waitMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** Seconds that the POST itself may wait: whole ones, so that the answer arrives before the time is over. */
export const firstWaitS = (waitMs: number): number => Math.min(POLL_S, Math.floor(waitMs / 1000))

export const hasEnded = ({ status }: Pick<JobView, 'status'>): boolean =>
  status === 'finished' || status === 'failed' || status === 'cancelled'

/**
 * Long polls until the job has ended.
 * @param sinceMs when the wait began, by performance.now()
 * @throws WaitTimeout with the current job when the time is over; HastyError; the signal's reason
 */
export async function waitForEnd(
  transport: Transport,
  jobId: string,
  options: WaitOptions,
  sinceMs: number,
): Promise<JobView> {
  const waitMs = durationOption('waitMs', options.waitMs, WAIT_DEFAULT_MS)
  const endMs = sinceMs + waitMs
  for (let early = 0; ; ) {
    const askedMs = performance.now()
    const leftMs = endMs - askedMs
    const job = leftMs > 0 ? await pollJob(transport, jobId, leftMs, options.signal) : null
    // The last look has no wait, so that the timeout error shows the job's state at that time.
    const seen = job ?? (await readJob(transport, jobId, 0, options.signal))
    if (hasEnded(seen)) return seen
    const nowMs = performance.now()
    if (nowMs >= endMs) throw new WaitTimeout(seen, waitMs)
    // A server that stops, or does not wait, answers at once: the pause is then made here.
    early = nowMs - askedMs < EARLY_MS ? early + 1 : 0
    if (early > 0) await pause(Math.min(backoffMs(early - 1), endMs - nowMs), options.signal)
  }
}

/** @returns null when `leftMs` were over first */
async function pollJob(
  transport: Transport,
  jobId: string,
  leftMs: number,
  signal: AbortSignal | undefined,
): Promise<JobView | null> {
  if (leftMs >= POLL_S * 1000) return readJob(transport, jobId, POLL_S, signal)
  const deadline = startDeadline(leftMs, signal)
  try {
    return await readJob(transport, jobId, Math.ceil(leftMs / 1000), deadline.signal)
  } catch (error) {
    if (deadline.isOver && !signal?.aborted) return null
    throw error
  } finally {
    deadline.close()
  }
}

export function readJob(
  transport: Transport,
  jobId: string,
  waitS: number,
  signal: AbortSignal | undefined,
): Promise<JobView> {
  const path = `/v1/jobs/${encodeURIComponent(plainId(jobId))}`
  return sendRequest(transport, { method: 'GET', path, waitS, signal })
}
