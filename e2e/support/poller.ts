import type { JobView } from '#shared/contracts/http/jobs.ts'
import type { JobStatus } from '#shared/contracts/log/job.ts'
import type { Load } from './load.ts'

/** One GET of one job as its caller saw it. */
export interface Reading {
  job_id: string
  /** Monotonic time, milliseconds: readings that ended before another began were seen before it. */
  startedMs: number
  endedMs: number
  httpStatus: number
  /** The version that a 200 or 304 showed. */
  seen: { status: JobStatus; seq: number } | null
}

export type Poller = {
  readonly readings: readonly Reading[]
  stop(): Promise<void>
}

const READERS = 3
const PAUSE_MS = 40
const ANSWER_MS = 10_000
/** Number of the youngest jobs, which change, and get most of the looks. */
const YOUNG = 60

/** Callers that read the accepted jobs all the time, over all replicas. */
export function startPoller(url: string, load: Pick<Load, 'accepted'>): Poller {
  const readings: Reading[] = []
  const stopping = new AbortController()
  const look = async () => {
    while (!stopping.signal.aborted) {
      const jobId = pick(load.accepted)
      if (jobId !== undefined) readings.push(await readJob(url, jobId))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
  const readers = Array.from({ length: READERS }, look)
  return {
    readings,
    stop: async () => {
      stopping.abort()
      await Promise.all(readers)
    },
  }
}

function pick(ids: readonly string[]): string | undefined {
  const range = Math.random() < 0.8 ? Math.min(ids.length, YOUNG) : ids.length
  return ids[ids.length - 1 - Math.floor(Math.random() * range)]
}

async function readJob(url: string, jobId: string): Promise<Reading> {
  const startedMs = performance.now()
  const about = { job_id: jobId, startedMs }
  try {
    const response = await fetch(`${url}/${jobId}`, { signal: AbortSignal.timeout(ANSWER_MS) })
    const view = (await response.json()) as JobView
    const seq = Number(response.headers.get('etag')?.replaceAll('"', ''))
    const seen = response.status === 200 ? { status: view.status, seq } : null
    return { ...about, endedMs: performance.now(), httpStatus: response.status, seen }
  } catch {
    return { ...about, endedMs: performance.now(), httpStatus: 0, seen: null }
  }
}
