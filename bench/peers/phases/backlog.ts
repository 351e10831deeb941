import { nowUs } from '../clock.mjs'
import type { RunningPeer, WorkerStats } from '../running-peer.ts'
import { type PhaseOptions, problemsOf, secondsBetween, type Throughput, untilQuiet } from './phase.ts'

/** POSTs while the worker is away, then the time from the start of its process to the start of the last handler. */
export async function fillAndDrain(
  peer: RunningPeer,
  { backlog, connections, quiet }: PhaseOptions,
): Promise<{ fill: Throughput; drain: Throughput }> {
  await peer.stopWorker()
  const filling = peer.meter()
  const load = await peer.load({}, '-c', connections, '-n', backlog)
  const fill: Throughput = {
    perS: load.ok / secondsBetween(load.first_us, load.last_us),
    count: load.ok,
    problems: problemsOf(load),
    p50: load.p50,
    p99: load.p99,
    cpu: filling.end(),
  }
  await untilQuiet(quiet)
  const startedUs = nowUs()
  await peer.startWorker(backlog)
  const draining = peer.meter()
  const done = await peer.untilTarget(240_000)
  const cpu = draining.end()
  const { count, last } = done ?? (await peer.askWorker<WorkerStats>('/'))
  const problems = done === null ? [`only ${count} handlers started`] : []
  if (!(await peer.drained(20_000))) problems.push('the store was not empty in the end')
  const perS = Math.min(count, backlog) / secondsBetween(startedUs, done?.at ?? last)
  return { fill, drain: { perS, count, problems, cpu } }
}
