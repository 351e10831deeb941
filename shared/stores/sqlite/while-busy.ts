import { setTimeout } from 'node:timers/promises'

/** How long SQLite itself waits for another process's lock. It blocks this whole process, so the wait is short. */
export const LOCK_WAIT_MS = 100
const PAUSE_MS = 25
/** Number of tries: with the two waits above, 5 s in all. */
const MAX_TRIES = 40

/**
 * Repeats the work while another process holds the lock, and serves others in the pauses: a replica that is frozen
 * inside a transaction must not freeze its neighbours.
 */
export async function whileBusy<T>(work: () => T): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || tries === MAX_TRIES) throw error
    }
    await setTimeout(PAUSE_MS)
  }
}

/** SQLITE_BUSY is 5; its kinds (recovery, snapshot, timeout) are in the higher bits. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
