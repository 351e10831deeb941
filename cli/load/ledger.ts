import type { JobView } from '../../client/index.ts'

export type EndStatus = Extract<JobView['status'], 'finished' | 'failed' | 'cancelled'>

export interface JobEnd {
  status: EndStatus
  /** Time by the server's clock. */
  at: string
  /** When the end was seen here, by performance.now(). */
  seenMs: number
}

/** The fate of every job of a load run. */
export interface Ledger {
  /**
   * Records an accepted job; `atMs` is when its request began, by performance.now(). @returns its end, if already known
   */
  accept(jobId: string, atMs: number): JobEnd | null
  /** Records a job's end. @returns whether the job is one of the run's, reported for the first time */
  end(jobId: string, end: JobEnd): boolean
  refuse(code: string): void
  /** Accepted jobs whose end was not seen yet, with the start times of their requests. */
  readonly pending: ReadonlyMap<string, number>
  summary(elapsedMs: number): LoadSummary
}

export interface LoadSummary {
  accepted: number
  /** Number of refusals by error code. */
  refused: Record<string, number>
  ended: Record<EndStatus, number>
  unended: string[]
  /** Accepted jobs per second. */
  rate_per_s: number
  /** Milliseconds from a job's request to its end, of the last 100,000 jobs. */
  latency_ms: { p50: number; p90: number; p95: number; p99: number; max: number } | null
}

/** Number of latencies that a run without end keeps. */
const LATENCIES_MAX = 100_000
const EARLY_MAX = 10_000

export function makeLedger(): Ledger {
  /** Start times of the requests of jobs that have not ended. */
  const pending = new Map<string, number>()
  /** Ends that arrive before the answer that names their job; most of these belong to others' jobs. */
  const early = new Map<string, JobEnd>()
  /** The latest latencies. */
  const latencies: number[] = []
  let accepted = 0
  let settled = 0
  const ended: Record<EndStatus, number> = { finished: 0, failed: 0, cancelled: 0 }
  const refused: Record<string, number> = {}

  const settle = ({ status, seenMs }: JobEnd, startedMs: number) => {
    ended[status]++
    latencies[settled++ % LATENCIES_MAX] = Math.max(0, seenMs - startedMs)
  }
  const keepEarly = (jobId: string, end: JobEnd) => {
    early.set(jobId, end)
    const [oldest] = early.keys()
    if (early.size > EARLY_MAX && oldest !== undefined) early.delete(oldest)
  }
  return {
    pending,
    accept: (jobId, atMs) => {
      accepted++
      const end = early.get(jobId) ?? null
      early.delete(jobId)
      if (end === null) pending.set(jobId, atMs)
      else settle(end, atMs)
      return end
    },
    end: (jobId, end) => {
      const startedMs = pending.get(jobId)
      if (startedMs === undefined) {
        keepEarly(jobId, end)
        return false
      }
      pending.delete(jobId)
      settle(end, startedMs)
      return true
    },
    refuse: (code) => {
      refused[code] = (refused[code] ?? 0) + 1
    },
    summary: (elapsedMs) => ({
      accepted,
      refused,
      ended,
      unended: [...pending.keys()],
      rate_per_s: Math.round((accepted / Math.max(elapsedMs, 1)) * 10_000) / 10,
      latency_ms: percentilesOf(latencies),
    }),
  }
}

export function percentilesOf(values: readonly number[]): LoadSummary['latency_ms'] {
  const sorted = values.toSorted((a, b) => a - b)
  const last = sorted.at(-1)
  if (last === undefined) return null
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? last)
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: Math.round(last) }
}
