import type { JobView } from '#shared/client/index.ts'

export type EndStatus = Extract<JobView['status'], 'finished' | 'failed' | 'cancelled'>

/** What became of every job of a load run. */
export interface Ledger {
  /** A job was accepted; `atMs` is when its request began, by performance.now(). */
  accept(jobId: string, atMs: number): void
  /** A job's end. @returns whether it is one of ours, told for the first time */
  end(jobId: string, status: EndStatus, atMs: number): boolean
  refuse(code: string): void
  /** Accepted jobs whose end was not seen yet. */
  readonly pending: ReadonlySet<string>
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
  /** Milliseconds from a job's request to its end. */
  latency_ms: { p50: number; p90: number; p95: number; p99: number; max: number } | null
}

export function makeLedger(): Ledger {
  const startedMs = new Map<string, number>()
  const pending = new Set<string>()
  /** An end may be told before the answer that names the job is there. */
  const early = new Map<string, { status: EndStatus; atMs: number }>()
  const latencies: number[] = []
  const ended: Record<EndStatus, number> = { finished: 0, failed: 0, cancelled: 0 }
  const refused: Record<string, number> = {}

  const settle = (jobId: string, status: EndStatus, atMs: number) => {
    pending.delete(jobId)
    ended[status]++
    latencies.push(Math.max(0, atMs - (startedMs.get(jobId) ?? atMs)))
  }
  return {
    pending,
    accept: (jobId, atMs) => {
      startedMs.set(jobId, atMs)
      const end = early.get(jobId)
      if (end === undefined) pending.add(jobId)
      else settle(jobId, end.status, end.atMs)
    },
    end: (jobId, status, atMs) => {
      const isOurs = startedMs.has(jobId)
      if (!isOurs) early.set(jobId, { status, atMs })
      if (!pending.has(jobId)) return false
      settle(jobId, status, atMs)
      return true
    },
    refuse: (code) => {
      refused[code] = (refused[code] ?? 0) + 1
    },
    summary: (elapsedMs) => ({
      accepted: startedMs.size,
      refused,
      ended,
      unended: [...pending],
      rate_per_s: Math.round((startedMs.size / Math.max(elapsedMs, 1)) * 10_000) / 10,
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
