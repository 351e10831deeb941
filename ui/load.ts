import { effect } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { nowMs } from './clock.ts'
import { beat, changedMs } from './live.ts'

export interface Loaded<Data> {
  /** undefined until the first answer. After a failure the last answer stays. */
  data: Data | undefined
  /** Why the last try failed; undefined after an answer. */
  error: unknown
  reload: () => void
}

export interface LoadOptions {
  /** Reads again while it is shown; by default it does. */
  isLive?: boolean
  /** Milliseconds between two reads at the least, while jobs change. */
  gapMs?: number
}

const GAP_MS = 2_000
/** Not everything that a screen shows is a job: without a change it is read this often. */
const IDLE_GAP_MS = 8_000
/** The store follows the log: what the digest tells may be in it a moment later. */
const NEWS_LAG_MS = 2_000

/**
 * Reads facts for a screen: at once, when the key changes, and again while it is live. A slower answer never replaces
 * that of a later question.
 * @param key stands for what is asked; null: nothing is asked
 */
export function useLoad<Data>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<Data>,
  { isLive = true, gapMs = GAP_MS }: LoadOptions = {},
): Loaded<Data> {
  const [shown, show] = useState<{ key: string | null; data: Data | undefined; error: unknown }>({
    key,
    data: undefined,
    error: undefined,
  })
  const run = useRef<() => void>(() => undefined)
  const latestLoad = useRef(load)
  latestLoad.current = load
  useEffect(() => {
    if (key === null) return
    const aborter = new AbortController()
    let isAsking = false
    let askedMs = 0
    const ask = async () => {
      if (isAsking) return
      isAsking = true
      askedMs = nowMs()
      try {
        const data = await latestLoad.current(aborter.signal)
        if (!aborter.signal.aborted) show({ key, data, error: undefined })
      } catch (error) {
        if (!aborter.signal.aborted)
          show((before) => ({ key, data: before.key === key ? before.data : undefined, error }))
      } finally {
        isAsking = false
      }
    }
    run.current = () => void ask()
    const stop = effect(() => {
      const isFirst = askedMs === 0
      if (isLive) void beat.value
      const sinceMs = nowMs() - askedMs
      const hasNews = changedMs.peek() > askedMs - NEWS_LAG_MS && sinceMs >= gapMs
      if (isFirst || hasNews || sinceMs >= Math.max(gapMs, IDLE_GAP_MS)) void ask()
    })
    return () => {
      stop()
      aborter.abort()
    }
  }, [key, isLive, gapMs])
  const isOfKey = shown.key === key
  return {
    data: isOfKey ? shown.data : undefined,
    error: isOfKey ? shown.error : undefined,
    reload: () => run.current(),
  }
}
