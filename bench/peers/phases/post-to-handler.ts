import type { LoadTarget, RunningPeer, WorkerStats } from '../running-peer.ts'
import { problemsOf, secondsBetween, type Throughput } from './phase.ts'

export interface Posts {
  /** Number of POSTs. */
  posts: number
  connections: number
  /** Handlers that each of them starts. */
  handlersEach?: number
  target?: LoadTarget
}

/** Sends a number of POSTs and measures from the first of them to the start of the last handler. */
export async function postToHandler(peer: RunningPeer, options: Posts): Promise<Throughput> {
  const { posts, connections, handlersEach = 1, target = {} } = options
  const handlers = posts * handlersEach
  await peer.askWorker(`/reset?target=${handlers}`)
  const meter = peer.meter()
  const load = await peer.load(target, '-c', connections, '-n', posts)
  const done = await peer.untilTarget(120_000)
  const cpu = meter.end()
  const isDrained = await peer.drained()
  const { count, last } = await peer.askWorker<WorkerStats>('/')
  const problems = problemsOf(load)
  if (done === null) problems.push(`only ${count} handlers started`)
  if (!isDrained) problems.push('the store was not empty in the end')
  if (count !== load.ok * handlersEach) problems.push(`${load.ok} were accepted, ${count} handlers started`)
  const perS = Math.min(count, handlers) / handlersEach / secondsBetween(load.first_us, done?.at ?? last)
  return { perS, count: posts, problems, p50: load.p50, p99: load.p99, cpu }
}
