import { timerMs } from '../shared/formats/durations.ts'
import { httpDateMs } from '../shared/formats/http-date.ts'
import { readRetryAfter } from '../shared/formats/retry-after.ts'

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 2_000

/** Milliseconds before try `tries + 1`: twice as long each time, with chance, so that many clients do not come at once. */
export function backoffMs(tries: number): number {
  const most = Math.min(FIRST_DELAY_MS * 2 ** tries, LONGEST_DELAY_MS)
  return most * (0.5 + Math.random() / 2)
}

/** Milliseconds that Retry-After asks for, as seconds or as a date, by the server's own clock; null: it says nothing. */
export const retryAfterMs = (headers: Headers): number | null =>
  readRetryAfter(headers.get('retry-after'), httpDateMs(headers.get('date') ?? ''))

/**
 * A number of milliseconds as an option gives it; Infinity is one without an end.
 * @throws TypeError for what is none, which would be "at once" for every timer
 */
export function durationOption(name: string, given: number | undefined, usual: number): number {
  const ms = given ?? usual
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw new TypeError(`${name} must be a number of milliseconds`)
  return ms
}

/** Calls back after the time, at most as late as a timer can; never for Infinity. @returns how to stop it */
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
      // What an abort's caller gave as the reason, an Error or not, is thrown as it is.
      // oxlint-disable-next-line prefer-promise-reject-errors
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
 * What goes on for others too: only this wait for it ends.
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
  /** It was the time, not the parent. */
  readonly isOver: boolean
  /** Begins anew, with another time. */
  restart(ms: number): void
  close(): void
}

/**
 * A signal that is aborted with `parent`, or when the time is over. By hand: what AbortSignal.any makes of a timeout may
 * be collected as garbage in Node 20 before it fires.
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
