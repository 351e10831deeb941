import type { RunningPeer } from '../running-peer.ts'
import { type Latency, type PhaseOptions, problemsOf, quantiles, type Throughput } from './phase.ts'
import { postToHandler } from './post-to-handler.ts'

// Requests of 3 steps of 4 jobs. The jobs do nothing, so a step ends where its last handler starts.

const STEPS = 3
const JOBS_OF_STEP = 4
const JOBS = STEPS * JOBS_OF_STEP
const WARM_UP = 50
const ALONE = 40
/** A request that runs alone must be over before the next one comes. */
const GAP = ['-gap-min', '250ms', '-gap-max', '350ms']

export interface RequestResults {
  /** Many at once: requests a second. */
  requests: Throughput
  /** One at a time: from its POST to the start of its last handler. */
  request: Latency
  /** One at a time: from a step's last handler to the first one of the next step. */
  step: Latency
}

/** @param port of the service that takes requests */
export async function requests(peer: RunningPeer, port: number, options: PhaseOptions): Promise<RequestResults> {
  const { requestBody: body } = peer.peer
  if (body === null) throw new Error('this peer has no requests')
  const target = { port, path: '/v1/requests', body }
  const many = { connections: options.connections, handlersEach: JOBS, target }
  await postToHandler(peer, { ...many, posts: WARM_UP })

  await peer.askWorker(`/reset?target=${ALONE * JOBS}`)
  const meter = peer.meter()
  const load = await peer.load(target, '-c', 1, '-idle', ALONE, ...GAP)
  const done = await peer.untilTarget(30_000)
  const { latencies } = await peer.askWorker<{ latencies: number[] }>('/latencies')
  const cpu = meter.end()
  const problems = problemsOf(load)
  if (done === null) problems.push(`${latencies.length} of ${ALONE * JOBS} handlers started`)

  // In the order of the starts, which is that of the requests.
  const alone = Array.from({ length: ALONE }, (_, n) => latencies.slice(n * JOBS, (n + 1) * JOBS))
  const gaps = alone.flatMap((starts) =>
    [1, 2].map((step) => (starts[step * JOBS_OF_STEP] ?? Number.NaN) - (starts[step * JOBS_OF_STEP - 1] ?? Number.NaN)),
  )
  return {
    request: { ...quantiles(alone.map((starts) => starts.at(-1) ?? Number.NaN)), problems, cpu },
    step: { ...quantiles(gaps), problems: [], cpu },
    requests: await postToHandler(peer, { ...many, posts: options.requests }),
  }
}
