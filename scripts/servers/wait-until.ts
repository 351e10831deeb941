import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from './child.ts'

export type WaitOptions = {
  /** Named in the error: "nats-server was not ready within 10 s". */
  what: string
  timeoutMs?: number
  everyMs?: number
  /** A process without which waiting makes no sense. */
  child?: Pick<Child, 'running' | 'exited'>
  /** Ends the wait with its reason. */
  signal?: AbortSignal | undefined
}

/**
 * Repeats the question until the answer is neither undefined nor false; an error counts as "not yet" and is named when
 * time is up.
 */
export async function waitUntil<T>(ask: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const { what, timeoutMs = 15_000, everyMs = 25, child, signal } = options
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  while (performance.now() < deadline) {
    signal?.throwIfAborted()
    if (child && !child.running) {
      const exit = await child.exited
      throw new Error(`${what} ended before it was ready (${exit.signal ?? `exit code ${exit.code}`})`)
    }
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== null && answer !== false) return answer
    } catch (error) {
      cause = error
    }
    await delay(everyMs)
  }
  throw new Error(`${what} was not ready within ${timeoutMs / 1000} s`, { cause })
}

/** True when a GET of the address is answered with 2xx within a second. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
  await response.body?.cancel()
  return response.ok
}
