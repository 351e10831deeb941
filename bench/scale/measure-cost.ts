import type { CpuUse, Role } from '../peers/meter.ts'
import { steady } from '../peers/phases/latency.ts'
import { measure } from '../peers/phases/measure.ts'
import { readSettings } from '../peers/run-options.ts'
import type { RunningPeer } from '../peers/running-peer.ts'
import { memoryOf } from './measure-state.ts'
import { withHasty } from './start-scaled.ts'

/** CPU and memory of each process for one kind of work. */
export interface CostRow {
  text: string
  cpu: CpuUse
  /** Number of what was done in the time of `cpu`. */
  count: number
  memory: Partial<Record<Role, number>>
  problems: string[]
}

const SECONDS = 10
const MESSAGES_A_JOB = 10

/** @param perS jobs a second of the steady loads, the second of which is a tenth */
export function measureCost(perS: number): Promise<CostRow[]> {
  return withHasty({ apis: 1, jobs: 1, types: 0 }, async (peer) => [
    await steadyCost(peer, Math.max(1, Math.round(perS / 10))),
    await steadyCost(peer, perS),
    ...(await otherCosts(peer, perS)),
  ])
}

async function steadyCost(peer: RunningPeer, perS: number): Promise<CostRow> {
  const { cpu, problems } = await steady(peer, perS, SECONDS)
  const text = `jobs, ${perS.toLocaleString('en')} a second`
  return { text, cpu, count: perS * SECONDS, memory: memoryOf(peer), problems }
}

/** Requests and messages as fast as they go. */
async function otherCosts(peer: RunningPeer, perS: number): Promise<CostRow[]> {
  const settings = readSettings([`requests=${perS}`, `messages=${perS * MESSAGES_A_JOB}`], false)
  const { requests } = await measure(peer, 'requests', settings)
  const { messages } = await measure(peer, 'messages', settings)
  const rows = Object.entries({
    'requests of 12 jobs, as fast as they go': requests,
    'messages, as fast as they go': messages,
  })
  return rows.flatMap(([text, measured]) =>
    measured === undefined
      ? []
      : [{ text, cpu: measured.cpu, count: measured.count, memory: memoryOf(peer), problems: measured.problems }],
  )
}
