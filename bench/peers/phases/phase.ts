import { setTimeout as sleep } from 'node:timers/promises'
import { quantilesOf } from '../../quantiles.ts'
import { type CpuUse, machineMs } from '../meter.ts'
import type { Load } from '../running-peer.ts'

/** Options of a run, of which each phase takes its own. */
export interface PhaseOptions {
  /** Number of jobs in the phase `e2e`. */
  jobs: number
  /** Number of jobs in the phase `backlog`. */
  backlog: number
  /** Number of requests in the phase `requests`. */
  requests: number
  /** Number of messages in the phase `messages`. */
  messages: number
  connections: number
  /** Length of the phases `accept` and `read`. */
  seconds: number
  /** Longest wait for other processes of the machine to be quiet, seconds. */
  quiet: number
}

export interface Measured {
  cpu: CpuUse
  /** Faults of the phase; empty in a clean one. */
  problems: string[]
}

/** Microseconds. */
export interface Latency extends Measured {
  p50: number | null
  p99: number | null
  max: number | null
}

export interface Throughput extends Measured {
  perS: number
  /** Number of what was done in the time of `cpu`. */
  count: number
  /** Time of one call, microseconds. */
  p50?: number
  p99?: number
}

const QUIET_CORES = 0.15
const MICROSECONDS = 1_000_000

/** Waits until other processes use little of the machine, for a limited time. */
export async function untilQuiet(waitS: number): Promise<void> {
  for (const until = performance.now() + waitS * 1_000; ; ) {
    const [before, since] = [machineMs(), performance.now()]
    await sleep(700)
    const cores = (machineMs() - before) / (performance.now() - since)
    if (cores < QUIET_CORES || performance.now() > until) return
  }
}

export const problemsOf = ({ errors, why }: Load): string[] =>
  why === '' ? [] : [`${errors} POSTs got no answer; the first that was not answered 201: ${why}`]

export const secondsBetween = (fromUs: number, toUs: number): number => (toUs - fromUs) / MICROSECONDS

/** Quantiles of unsorted values; null where there is none. */
export function quantiles(values: readonly number[]): { p50: number | null; p99: number | null; max: number | null } {
  const at = quantilesOf(values)
  return { p50: at(0.5) ?? null, p99: at(0.99) ?? null, max: at(1) ?? null }
}
