import { markdown } from '../peers/figures.ts'
import type { CpuUse, Role } from '../peers/meter.ts'
import type { CostRow } from './measure-cost.ts'
import type { DeadWorkerRow } from './measure-dead-worker.ts'
import type { HttpWorkersRow } from './measure-http-workers.ts'
import type { ProcessesRow } from './measure-processes.ts'
import type { StateRow } from './measure-state.ts'
import type { StreamsRow } from './measure-streams.ts'

const ROLES = ['api', 'keeper', 'worker', 'workflow', 'ingest', 'store'] as const

const whole = (value: number): string => Math.round(value).toLocaleString('en')
const ms = (us: number | null | undefined): string => (us == null ? '-' : (us / 1_000).toFixed(2))
/** Figures of the processes that there are, in one order. */
const byRole = (of: Partial<Record<Role, number>>, text: (value: number) => string): string =>
  ROLES.flatMap((role) => (of[role] === undefined ? [] : [`${role} ${text(of[role])}`])).join(', ')

const coresOf = ({ ms: used, wallMs }: CpuUse): string => byRole(used, (value) => (value / wallMs).toFixed(3))
/** Cores for a thousand a second are the milliseconds of CPU for each. */
const coresPerThousand = (cpu: CpuUse, count: number): string => byRole(cpu.ms, (value) => (value / count).toFixed(2))

export const statesTable = (rows: readonly StateRow[]): string =>
  markdown(
    [
      'with',
      'cores at rest',
      '100 jobs/s: POST p50 / p99 ms',
      'to handler p50 / p99 ms',
      'cores at 100 jobs/s',
      'accepted a second',
      'p50 / p99 ms',
      'MiB',
    ],
    rows.map(({ count, text, apis, rest, rate, accept, memory }) => [
      `${count === 0 ? '' : `${whole(count)} `}${text}${apis === 1 ? '' : ` (${apis} apis)`}`,
      coresOf(rest),
      `${ms(rate.postP50)} / ${ms(rate.postP99)}`,
      `${ms(rate.p50)} / ${ms(rate.p99)}`,
      coresOf(rate.cpu),
      whole(accept.perS),
      `${ms(accept.p50)} / ${ms(accept.p99)}`,
      byRole(memory, whole),
    ]),
  )

export const processesTable = (rows: readonly ProcessesRow[]): string =>
  markdown(
    [
      'apis and job services',
      'connections',
      'accepted a second',
      'p50 / p99 ms',
      'run a second',
      'ms of CPU a job',
      'MiB',
    ],
    rows.map(({ processes, connections, accept, perS, cpu, jobs, memory }) => [
      `${processes} each`,
      String(connections),
      whole(accept.perS),
      `${ms(accept.p50)} / ${ms(accept.p99)}`,
      whole(perS),
      coresPerThousand(cpu, jobs),
      byRole(memory, whole),
    ]),
  )

export const costTable = (rows: readonly CostRow[]): string =>
  markdown(
    ['work', 'cores for 1,000 a second', 'MiB'],
    rows.map(({ text, cpu, count, memory }) => [text, coresPerThousand(cpu, count), byRole(memory, whole)]),
  )

export const httpWorkersTable = (rows: readonly HttpWorkersRow[]): string =>
  markdown(
    [
      'HTTP workers, jobs asked for at once',
      'claimed and completed a second',
      'ms of CPU a job',
      'pick-up p50 / p99 ms',
    ],
    rows.map(({ max, perS, cpu, jobs, pickUp }) => [
      String(max),
      whole(perS),
      coresPerThousand(cpu, jobs),
      `${ms(pickUp.p50)} / ${ms(pickUp.p99)}`,
    ]),
  )

export const deadWorkerTable = (rows: readonly DeadWorkerRow[]): string =>
  markdown(
    ['job services killed', 'until the next start of their jobs, p50 / p99 / max ms'],
    rows.map(({ kills, p50, p99, max }) => [whole(kills), `${whole(p50)} / ${whole(p99)} / ${whole(max)}`]),
  )

export const streamsTable = (rows: readonly StreamsRow[]): string =>
  markdown(
    ['streams', 'messages stored a second', 'cores of the broker', 'ms of CPU a message'],
    rows.map(({ streams, perS, cpu, messages }) => [
      String(streams),
      whole(perS),
      coresOf(cpu),
      ((cpu.ms.store ?? 0) / messages).toFixed(3),
    ]),
  )
