import type { Logger } from '#shared/process/logger.ts'
import { sleep } from '#shared/time/clock.ts'
import type { PullLoop } from './pull-loop.ts'

/** Stops pulling, lets running jobs finish within the grace time, then hands the rest back: no attempt is spent. */
export async function drain(loop: PullLoop, graceMs: number, log: Logger): Promise<void> {
  await loop.stop()
  let timer: NodeJS.Timeout | undefined
  const graceOver = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs)
  })
  await Promise.race([loop.settled(), graceOver])
  clearTimeout(timer)
  if (loop.held.size > 0) {
    log.info({ jobs: loop.held.size }, 'handing jobs back')
    await Promise.race([Promise.all([...loop.held.values()].map((job) => job.handBack())), handBackDeadline()])
  }
}

/**
 * Limit for handing jobs back, which is impossible while the broker is away: the lease then runs out, and at worst the
 * job counts one crash more.
 */
const HAND_BACK_MS = 5_000
const handBackDeadline = (): Promise<void> => sleep(HAND_BACK_MS)
