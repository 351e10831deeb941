import type { Clock } from './clock.ts'

/** The same work for all who ask, and what came of it for those who ask soon after. */
export function atMostEvery<T>(everyMs: number, clock: Clock, work: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined
  let freshUntilMs = Number.POSITIVE_INFINITY
  return () => {
    if (last !== undefined && clock.monotonic() < freshUntilMs) return last
    freshUntilMs = Number.POSITIVE_INFINITY
    const asked = work()
    const settle = () => {
      freshUntilMs = clock.monotonic() + everyMs
    }
    asked.then(settle, settle)
    last = asked
    return asked
  }
}
