import type { RunningPeer, WorkerStats } from '../running-peer.ts'
import { type PhaseOptions, type Throughput } from './phase.ts'

/** The last line of wrk.lua. */
interface WrkResult {
  requests: number
  duration_us: number
  bad: number
  socket: number
  p50: number
  p99: number
}

const MICROSECONDS = 1_000_000

/** Calls over so many connections for so long: POSTs of jobs, or GETs of the paths. */
export async function callsFor(
  peer: RunningPeer,
  { connections, seconds }: Pick<PhaseOptions, 'connections' | 'seconds'>,
  paths: string[] = [],
): Promise<Throughput> {
  const meter = peer.meter()
  const { requests, duration_us: us, bad, socket, p50, p99 } = await peer.wrk<WrkResult>(connections, seconds, paths)
  const cpu = meter.end()
  const problems = bad + socket === 0 ? [] : [`${bad} answers were not 2xx, ${socket} connections failed`]
  return { perS: (requests - bad) / (us / MICROSECONDS), count: requests - bad, problems, p50, p99, cpu }
}

/** POSTs while the worker runs, if the peer has one. */
export async function accept(peer: RunningPeer, options: PhaseOptions): Promise<Throughput> {
  if (peer.workerPid === null) return callsFor(peer, options)
  await peer.askWorker('/reset?target=0')
  const measured = await callsFor(peer, options)
  const problems = [...measured.problems]
  if (!(await peer.drained())) problems.push('the store was not empty in the end')
  const { count } = await peer.askWorker<WorkerStats>('/')
  // wrk leaves with up to one request a connection under way.
  if (count < measured.count || count > measured.count + options.connections)
    problems.push(`${measured.count} were accepted, ${count} handlers started`)
  return { ...measured, problems }
}
