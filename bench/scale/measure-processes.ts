import { nowUs } from '../peers/clock.mjs'
import type { CpuUse, Role } from '../peers/meter.ts'
import { callsFor } from '../peers/phases/accept.ts'
import { problemsOf, secondsBetween, type Throughput } from '../peers/phases/phase.ts'
import type { RunningPeer } from '../peers/running-peer.ts'
import { memoryOf } from './measure-state.ts'
import { withHasty } from './start-scaled.ts'

/** Hasty with so many apis and as many job services, under a load that grows with them. */
export interface ProcessesRow {
  processes: number
  connections: number
  accept: Throughput
  /** Jobs a second from the first POST until no job waits or runs. */
  perS: number
  /** CPU from the first POST until no job waits or runs. */
  cpu: CpuUse
  jobs: number
  memory: Partial<Record<Role, number>>
  problems: string[]
}

const CONNECTIONS_EACH = 50

export function measureProcesses(processes: number, jobs: number, seconds: number): Promise<ProcessesRow> {
  const connections = processes * CONNECTIONS_EACH
  return withHasty({ apis: processes, jobs: processes, types: 0 }, async (peer) => {
    const accept = await callsFor(peer, { connections, seconds })
    const problems = [...accept.problems]
    if (!(await peer.drained())) problems.push('the accepted jobs were not all handled')
    const done = await postUntilDrained(peer, jobs, connections)
    const row = { processes, connections, accept, jobs, memory: memoryOf(peer) }
    return { ...row, ...done, problems: [...problems, ...done.problems] }
  })
}

async function postUntilDrained(
  peer: RunningPeer,
  jobs: number,
  connections: number,
): Promise<Pick<ProcessesRow, 'perS' | 'cpu' | 'problems'>> {
  const meter = peer.meter()
  const load = await peer.load({}, '-c', connections, '-n', jobs)
  const problems = problemsOf(load)
  if (!(await peer.drained())) problems.push('the jobs were not all handled')
  return { perS: load.ok / secondsBetween(load.first_us, nowUs()), cpu: meter.end(), problems }
}
