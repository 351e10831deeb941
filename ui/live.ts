import { computed, signal } from '@preact/signals'
import { makeStreamParser } from '../client/parse-event-stream.ts'
import type { Digest } from '../shared/contracts/http/live.ts'
import { isReached } from './api.ts'
import { nowMs } from './clock.ts'
import { session, token } from './session.ts'

// What happens now, once a second, in one stream for the whole page: however many jobs run, the browser gets some
// hundred bytes. The screens read again what they show when the digest says that jobs have changed.

/** What happens now; null until it is known. */
export const digest = signal<Digest | null>(null)

export const isBrokerAway = computed(() => digest.value?.verdict.code === 'broker_lost')

/** Beats with each digest, and slowly without: screens look then whether to read again. */
export const beat = signal(0)

/** When jobs were last seen to change, by this page's clock. */
export const changedMs = signal(0)

/** Whether the page follows what happens; a reader may hold it still. */
export const isFollowing = signal(true)

const BEAT_MS = 5_000
const AGAIN_MS = [500, 1_000, 2_000, 5_000]

/** Follows for as long as somebody looks: a hidden tab asks for nothing, and holds no connection. */
export function follow(): void {
  setInterval(() => {
    if (isWatching()) beat.value++
  }, BEAT_MS)
  let aborter: AbortController | null = null
  const change = () => {
    if (isWatching() === (aborter !== null)) return
    aborter?.abort()
    aborter = isWatching() ? new AbortController() : null
    if (aborter !== null) void readOn(aborter.signal)
  }
  document.addEventListener('visibilitychange', change)
  isFollowing.subscribe(change)
  session.subscribe(change)
}

const isWatching = (): boolean => !document.hidden && isFollowing.peek() && session.peek().state === 'in'

/** Reads one stream after another, until nobody looks any more. */
async function readOn(until: AbortSignal): Promise<void> {
  for (let failures = 0; !until.aborted; ) {
    try {
      await readStream(until)
      failures = 0
    } catch {
      // The next try shows whether Hasty answers; other requests say so too.
      failures++
    }
    const pauseMs = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] ?? 0
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

async function readStream(until: AbortSignal): Promise<void> {
  const given = await token()
  const headers = { accept: 'text/event-stream', ...(given === undefined ? {} : { authorization: `Bearer ${given}` }) }
  const response = await fetch('/v1/live', { headers, signal: until })
  if (!response.ok || response.body === null) throw new Error(`the stream was answered with ${response.status}`)
  isReached.value = true
  const parse = makeStreamParser()
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    for (const { data } of parse(value)) if (data !== null) take(JSON.parse(data) as Digest)
  }
}

function take(next: Digest): void {
  if (next.changed_jobs_at !== digest.peek()?.changed_jobs_at) changedMs.value = nowMs()
  digest.value = next
  beat.value++
}
