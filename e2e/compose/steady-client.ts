import { expect } from 'vitest'
import { type JobRequest, type Load, type Post, startLoad } from '../support/load.ts'

/** One GET as its caller saw it; 0: no answer. */
interface Read {
  startedMs: number
  endedMs: number
  status: number
}

export type SteadyClient = {
  readonly load: Load
  /** POSTs that were not accepted and GETs that were not answered 200. */
  readonly failed: (Post | Read)[]
  readonly requests: number
  /** Resolves when so many more requests were answered: what comes next then meets what the last step changed. */
  more(count: number): Promise<void>
  stop(): Promise<void>
}

// What the stand-in of MongoDB takes beside fourteen containers on two cores, also where the machine is slow.
const PER_SECOND = 24
const TICK_MS = 10
const ANSWER_MS = 20_000

/** A plain client at a steady rate, however slow the answers are: a POST, then a GET of a job it made, and so on. */
export function startSteadyClient(url: string, request: (n: number) => JobRequest): SteadyClient {
  const load = startLoad({ url, perSecond: PER_SECOND / 2, request })
  const reads: Read[] = []
  const underWay = new Set<Promise<void>>()
  const startedMs = performance.now()
  let begun = 0
  const tick = () => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * (PER_SECOND / 2))
    const id = load.accepted.at(-1)
    if (id === undefined) return
    for (; begun < due; begun++) {
      const reading = read(`${url}/${id}`).then((seen) => void reads.push(seen))
      underWay.add(reading)
      void reading.finally(() => underWay.delete(reading))
    }
  }
  const timer = setInterval(tick, TICK_MS)
  const requests = () => load.posts.length + reads.length
  return {
    load,
    get failed() {
      return [
        ...load.posts.filter(({ outcome }) => outcome !== 'accepted'),
        ...reads.filter(({ status }) => status !== 200),
      ]
    },
    get requests() {
      return requests()
    },
    more: async (count) => {
      const wanted = requests() + count
      await expect.poll(requests, { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted)
    },
    stop: async () => {
      clearInterval(timer)
      await load.stop()
      await Promise.all(underWay)
    },
  }
}

async function read(url: string): Promise<Read> {
  const startedMs = Date.now()
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) })
    await response.arrayBuffer()
    return { startedMs, endedMs: Date.now(), status: response.status }
  } catch {
    return { startedMs, endedMs: Date.now(), status: 0 }
  }
}
