import type { Clock } from './clock.ts'

/** Shares one run of the work among all who ask meanwhile, and its result with those who ask soon after. */
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
