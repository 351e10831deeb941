import { timerMs } from '../shared/formats/durations.ts'
import { httpDateMs } from '../shared/formats/http-date.ts'
import { readRetryAfter } from '../shared/formats/retry-after.ts'

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 2_000

/**
 * Milliseconds before try `tries + 1`: twice as long each time, with jitter, so that many clients do not come at once.
 */
export function backoffMs(tries: number): number {
  const most = Math.min(FIRST_DELAY_MS * 2 ** tries, LONGEST_DELAY_MS)
  return most * (0.5 + Math.random() / 2)
}

/** Milliseconds that Retry-After asks for, as seconds or as a date, by the server's own clock; null: no value. */
export const retryAfterMs = (headers: Headers): number | null =>
  readRetryAfter(headers.get('retry-after'), httpDateMs(headers.get('date') ?? ''))

/**
 * A number of milliseconds from an option; Infinity means no limit.
 * @throws TypeError for an invalid number, which every timer would treat as "at once"
 */
export function durationOption(name: string, given: number | undefined, usual: number): number {
  const ms = given ?? usual
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw new TypeError(`${name} must be a number of milliseconds`)
  return ms
}

/**
 * Calls back after the time, at most after the longest time of a timer; never for Infinity. @returns a function that
 * stops the timer
 */
function startTimer(ms: number, onTime: () => void): () => void {
  if (ms === Number.POSITIVE_INFINITY) return () => undefined
  const timer = setTimeout(onTime, timerMs(ms))
  return () => clearTimeout(timer)
}

/** @throws the signal's reason, as soon as it is aborted */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      stop()
      // The reason of an abort, an Error or not, is thrown unchanged.
      reject(signal?.reason)
    }
    const stop = startTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Waits for work that others share: an abort ends only this wait.
 * @throws the signal's reason, as soon as it is aborted
 */
export async function unlessAborted<Value>(work: Promise<Value>, signal?: AbortSignal): Promise<Value> {
  if (signal === undefined) return work
  let onAbort = () => undefined as unknown
  const aborted = new Promise<never>((_, reject) => {
    // oxlint-disable-next-line prefer-promise-reject-errors
    onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

export interface Deadline {
  readonly signal: AbortSignal
  /** True when the time ended, and not the parent's signal. */
  readonly isOver: boolean
  /** Starts the deadline anew, with another time. */
  restart(ms: number): void
  close(): void
}

/**
 * A signal that is aborted with `parent`, or when the time is over. Written by hand, because in Node 20 a timeout
 * passed to AbortSignal.any may be garbage-collected before it fires.
 */
export function startDeadline(ms: number, parent?: AbortSignal): Deadline {
  const aborter = new AbortController()
  let isOver = false
  const onTime = (givenMs: number) => () => {
    isOver = true
    aborter.abort(new Error(`There was no answer within ${givenMs} ms`))
  }
  const onAbort = () => aborter.abort(parent?.reason)
  let stop = startTimer(ms, onTime(ms))
  if (parent?.aborted) onAbort()
  parent?.addEventListener('abort', onAbort)
  return {
    signal: aborter.signal,
    get isOver() {
      return isOver
    },
    restart: (newMs) => {
      stop()
      stop = startTimer(newMs, onTime(newMs))
    },
    close: () => {
      stop()
      parent?.removeEventListener('abort', onAbort)
    },
  }
}
