import { setTimeout as sleep } from 'node:timers/promises'
import { nowUs } from './clock.mjs'
import { type CpuUse, machineMs } from './meter.ts'
import type { Phase } from './peers.ts'
import type { Load, RunningPeer, WorkerStats } from './running-peer.ts'

export interface PhaseOptions {
  /** Number of jobs in the phase `e2e`. */
  jobs: number
  /** Number of jobs in the phase `backlog`. */
  backlog: number
  connections: number
  /** Length of the phase `accept`. */
  seconds: number
  /** Longest wait for other processes of the machine to be quiet. */
  quietWaitS: number
}

interface Measured {
  cpu: CpuUse
}

/** Latencies in microseconds, from sending a POST to the start of its handler. */
export interface Latency extends Measured {
  p50: number | null
  p99: number | null
  max: number | null
  /** Median time of the POST itself, microseconds. */
  postP50: number
  errors: number
}

export interface Throughput extends Measured {
  perS: number
  /** Faults of the run; empty in a clean one. */
  problems: string[]
  /** Time of the POST, microseconds. */
  p50?: number
  p99?: number
}

export type Results = Partial<{
  idle: Latency
  rate: Latency
  e2e: Throughput
  accept: Throughput
  fill: Throughput
  drain: Throughput
}>

const RATE_PER_S = 100
const RATE_S = 10
const IDLE_JOBS = 20
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

const problemsOf = ({ errors, why }: Load): string[] => (errors === 0 ? [] : [`${errors} POSTs failed: ${why}`])
const secondsBetween = (fromUs: number, toUs: number): number => (toUs - fromUs) / MICROSECONDS

async function latency(peer: RunningPeer, jobs: number, ...args: (string | number)[]): Promise<Latency> {
  await peer.askWorker(`/reset?target=${jobs}`)
  const meter = peer.meter()
  const load = await peer.load(args[0] === '-idle' ? 1 : 50, ...args)
  await peer.untilTarget(30_000)
  const { latencies } = await peer.askWorker<{ latencies: number[] }>('/latencies')
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
  return { p50: at(0.5), p99: at(0.99), max: at(1), postP50: load.p50, errors: load.errors, cpu: meter.end() }
}

async function postToHandler(peer: RunningPeer, { jobs, connections }: PhaseOptions): Promise<Throughput> {
  await peer.askWorker(`/reset?target=${jobs}`)
  const meter = peer.meter()
  const load = await peer.load(connections, '-n', jobs)
  const done = await peer.untilTarget(120_000)
  const cpu = meter.end()
  const isDrained = await peer.drained()
  const { count, last } = await peer.askWorker<WorkerStats>('/')
  const problems = problemsOf(load)
  if (done === null) problems.push(`only ${count} handlers started`)
  if (!isDrained) problems.push('the store was not empty in the end')
  if (count !== load.ok) problems.push(`${load.ok} were accepted, ${count} handlers started`)
  const perS = Math.min(count, jobs) / secondsBetween(load.first_us, done?.at ?? last)
  return { perS, problems, p50: load.p50, p99: load.p99, cpu }
}

interface WrkResult {
  requests: number
  duration_us: number
  bad: number
  socket: number
  p50: number
  p99: number
}

async function accept(peer: RunningPeer, { connections, seconds }: PhaseOptions): Promise<Throughput> {
  const hasWorker = peer.workerPid !== null
  if (hasWorker) await peer.askWorker('/reset?target=0')
  const meter = peer.meter()
  const { requests, duration_us: us, bad, socket, p50, p99 } = await peer.wrk<WrkResult>(connections, seconds)
  const cpu = meter.end()
  const problems = bad + socket === 0 ? [] : [`${bad} answers were not 201, ${socket} connections failed`]
  if (hasWorker) {
    if (!(await peer.drained())) problems.push('the store was not empty in the end')
    const { count } = await peer.askWorker<WorkerStats>('/')
    // wrk leaves with up to one request a connection under way.
    if (count < requests - bad || count > requests - bad + connections)
      problems.push(`${requests - bad} were accepted, ${count} handlers started`)
  }
  return { perS: (requests - bad) / (us / MICROSECONDS), problems, p50, p99, cpu }
}

async function fillAndDrain(
  peer: RunningPeer,
  { backlog, connections, quietWaitS }: PhaseOptions,
): Promise<{ fill: Throughput; drain: Throughput }> {
  await peer.stopWorker()
  const filling = peer.meter()
  const load = await peer.load(connections, '-n', backlog)
  const fill: Throughput = {
    perS: load.ok / secondsBetween(load.first_us, load.last_us),
    problems: problemsOf(load),
    p50: load.p50,
    p99: load.p99,
    cpu: filling.end(),
  }
  await untilQuiet(quietWaitS)
  const startedUs = nowUs()
  await peer.startWorker(backlog)
  const draining = peer.meter()
  const done = await peer.untilTarget(240_000)
  const cpu = draining.end()
  const { count, last } = done ?? (await peer.askWorker<WorkerStats>('/'))
  const problems = done === null ? [`only ${count} handlers started`] : []
  if (!(await peer.drained(20_000))) problems.push('the store was not empty in the end')
  const perS = Math.min(count, backlog) / secondsBetween(startedUs, done?.at ?? last)
  return { fill, drain: { perS, problems, cpu } }
}

/** Measures one phase of a peer that runs. */
export async function measure(peer: RunningPeer, phase: Phase, options: PhaseOptions): Promise<Results> {
  switch (phase) {
    case 'idle':
      return { idle: await latency(peer, IDLE_JOBS, '-idle', IDLE_JOBS) }
    case 'rate':
      return { rate: await latency(peer, RATE_PER_S * RATE_S, '-rate', RATE_PER_S, '-d', `${RATE_S}s`) }
    case 'e2e':
      return { e2e: await postToHandler(peer, options) }
    case 'accept':
      return { accept: await accept(peer, options) }
    case 'backlog':
      return fillAndDrain(peer, options)
  }
}
