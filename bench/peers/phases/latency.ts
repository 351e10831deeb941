import type { RunningPeer } from '../running-peer.ts'
import { type Latency, problemsOf, quantiles } from './phase.ts'

// From the sending of a POST to the start of its handler.

const IDLE_JOBS = 20
const STEADY_CONNECTIONS = 50

/** The latency of a job, and of its POST. */
export interface JobLatency extends Latency {
  /** Time of the POST, microseconds. */
  postP50: number
  postP99: number
}

/** Single jobs, about one a second, into an empty queue. */
export const idle = (peer: RunningPeer): Promise<JobLatency> => latency(peer, IDLE_JOBS, '-c', 1, '-idle', IDLE_JOBS)

/** Sends a fixed number of jobs a second, however fast the peer handles them. */
export const steady = (peer: RunningPeer, perS: number, seconds: number): Promise<JobLatency> =>
  latency(peer, perS * seconds, '-c', STEADY_CONNECTIONS, '-rate', perS, '-d', `${seconds}s`)

async function latency(peer: RunningPeer, jobs: number, ...args: (string | number)[]): Promise<JobLatency> {
  await peer.askWorker(`/reset?target=${jobs}`)
  const meter = peer.meter()
  const load = await peer.load({}, ...args)
  const done = await peer.untilTarget(30_000)
  const { latencies } = await peer.askWorker<{ latencies: number[] }>('/latencies')
  const problems = problemsOf(load)
  if (done === null) problems.push(`${latencies.length} of ${jobs} handlers started`)
  return { ...quantiles(latencies), postP50: load.p50, postP99: load.p99, problems, cpu: meter.end() }
}
