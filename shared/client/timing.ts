const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 2_000

/** Milliseconds before try `tries + 1`: twice as long each time, with chance, so that many clients do not come at once. */
export function backoffMs(tries: number): number {
  const most = Math.min(FIRST_DELAY_MS * 2 ** tries, LONGEST_DELAY_MS)
  return most * (0.5 + Math.random() / 2)
}

/** Milliseconds that Retry-After asks for, as seconds or as a date, by the server's own clock; null: it says nothing. */
export function retryAfterMs(headers: Headers): number | null {
  const text = headers.get('retry-after')?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const ms = Date.parse(text) - Date.parse(headers.get('date') ?? '')
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

/** @throws the signal's reason, as soon as it is aborted */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      // What an abort's caller gave as the reason, an Error or not, is thrown as it is.
      // oxlint-disable-next-line prefer-promise-reject-errors
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
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
  const onTime = () => {
    isOver = true
    aborter.abort(new Error(`There was no answer within ${ms} ms`))
  }
  const onAbort = () => aborter.abort(parent?.reason)
  let timer = setTimeout(onTime, ms)
  if (parent?.aborted) onAbort()
  parent?.addEventListener('abort', onAbort)
  return {
    signal: aborter.signal,
    get isOver() {
      return isOver
    },
    restart: (newMs) => {
      clearTimeout(timer)
      timer = setTimeout(onTime, newMs)
    },
    close: () => {
      clearTimeout(timer)
      parent?.removeEventListener('abort', onAbort)
    },
  }
}
