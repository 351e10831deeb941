import { setTimeout as sleep } from 'node:timers/promises'
import { type CpuUse, proportionalMib, type Role } from '../peers/meter.ts'
import { callsFor } from '../peers/phases/accept.ts'
import { type JobLatency, steady } from '../peers/phases/latency.ts'
import type { Throughput } from '../peers/phases/phase.ts'
import type { RunningPeer } from '../peers/running-peer.ts'
import { withHasty } from './start-scaled.ts'
import { type Filled, type State, type StateName, states } from './states.ts'

/** Hasty in one state. */
export interface StateRow {
  name: StateName
  count: number
  text: string
  apis: number
  /** CPU without any load. */
  rest: CpuUse
  /** 100 jobs a second. */
  rate: JobLatency
  /** A load of as many POSTs as Hasty takes. */
  accept: Throughput
  /** MiB of each process after that. */
  memory: Partial<Record<Role, number>>
  problems: string[]
}

const REST_S = 10
const RATE_PER_S = 100
const RATE_S = 10

/** Starts Hasty, brings it into the state, and measures it at rest and under load. */
export function measureState(name: StateName, size: number, seconds: number): Promise<StateRow> {
  const { text, types, apis: apisOf, fill }: State = states[name]
  const apis = apisOf?.(size) ?? 1
  return withHasty({ apis, jobs: 1, types: types?.(size) ?? 0 }, async (peer) => {
    const filled: Filled = (await fill?.(peer, size)) ?? { count: size }
    const problems = filled.why === undefined ? [] : [filled.why]
    try {
      const measured = await measureHere(peer, seconds)
      problems.push(...measured.rate.problems, ...measured.accept.problems)
      if (!(await peer.drained())) problems.push('the jobs of the load were not all handled')
      return { name, count: filled.count, text, apis, ...measured, memory: memoryOf(peer), problems }
    } finally {
      problems.push(...(filled.end?.() ?? []))
    }
  })
}

async function measureHere(peer: RunningPeer, seconds: number): Promise<Pick<StateRow, 'rest' | 'rate' | 'accept'>> {
  const rest = await atRest(peer)
  const rate = await steady(peer, RATE_PER_S, RATE_S)
  return { rest, rate, accept: await callsFor(peer, { connections: 50, seconds }) }
}

async function atRest(peer: RunningPeer): Promise<CpuUse> {
  const meter = peer.meter()
  await sleep(REST_S * 1_000)
  return meter.end()
}

export const memoryOf = (peer: RunningPeer): Partial<Record<Role, number>> =>
  Object.fromEntries(Object.entries(peer.pids()).map(([role, pids]) => [role, proportionalMib(pids)]))
