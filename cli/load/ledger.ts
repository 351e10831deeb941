import type { JobView } from '../../client/index.ts'

export type EndStatus = Extract<JobView['status'], 'finished' | 'failed' | 'cancelled'>

export interface JobEnd {
  status: EndStatus
  /** By the server's clock. */
  at: string
  /** When it was seen here, by performance.now(). */
  seenMs: number
}

/** What became of every job of a load run. */
export interface Ledger {
  /** A job was accepted; `atMs` is when its request began, by performance.now(). @returns its end, where it is known */
  accept(jobId: string, atMs: number): JobEnd | null
  /** A job's end. @returns whether it is one of ours, told for the first time */
  end(jobId: string, end: JobEnd): boolean
  refuse(code: string): void
  /** Accepted jobs whose end was not seen yet, with the time at which their requests began. */
  readonly pending: ReadonlyMap<string, number>
  summary(elapsedMs: number): LoadSummary
}

export interface LoadSummary {
  accepted: number
  /** By error code. */
  refused: Record<string, number>
  ended: Record<EndStatus, number>
  unended: string[]
  /** Accepted jobs a second. */
  rate_per_s: number
  /** Milliseconds from a job's request to its end, of the last 100,000 jobs. */
  latency_ms: { p50: number; p90: number; p95: number; p99: number; max: number } | null
}

/** A run without end keeps no more than this. */
const LATENCIES_MAX = 100_000
const EARLY_MAX = 10_000

export function makeLedger(): Ledger {
  /** When the requests began of jobs that have not ended. */
  const pending = new Map<string, number>()
  /** An end may be told before the answer that names the job is there; most of these are ends of others' jobs. */
  const early = new Map<string, JobEnd>()
  /** The latest ones. */
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
