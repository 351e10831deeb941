import type { Role } from './meter.ts'
import type { Measured, Throughput } from './phases/phase.ts'
import type { Row } from './run-peer.ts'

/** One number of a run. */
export interface Figure {
  title: string
  of: (row: Row) => number | null | undefined
  better: 'higher' | 'lower'
  digits?: number
}

type Of = Figure['of']

const perS = (title: string, of: (row: Row) => Throughput | undefined): Figure => ({
  title,
  of: (row) => of(row)?.perS,
  better: 'higher',
})

/** From microseconds. */
const ms = (title: string, us: Of, digits = 2): Figure => ({
  title,
  of: (row) => {
    const value = us(row)
    return value == null ? null : value / 1_000
  },
  better: 'lower',
  digits,
})

/** Microseconds of CPU for each of what a phase did. */
const cpu = (
  title: string,
  phase: (row: Row) => (Measured & { count: number }) | undefined,
  ...roles: Role[]
): Figure => ({
  title,
  of: (row) => {
    const measured = phase(row)
    const used = roles.map((role) => measured?.cpu.ms[role]).filter((value) => value !== undefined)
    if (measured === undefined || used.length === 0) return null
    return (used.reduce((sum, value) => sum + value, 0) * 1_000) / measured.count
  },
  better: 'lower',
})

const mib = (title: string, of: (memory: Partial<Record<Role, number>>) => number | undefined): Figure => ({
  title,
  of: ({ memory }) => (memory === undefined ? null : of(memory)),
  better: 'lower',
})

const e2e = (row: Row) => row.e2e

const loopShare = (title: string, loop: (row: Row) => Throughput | undefined): Figure => ({
  title,
  of: (row) => {
    const [ours, theirs] = [row.messages, loop(row)]
    return ours === undefined || theirs === undefined ? null : ours.perS / theirs.perS
  },
  better: 'higher',
  digits: 2,
})

/** Messages to files against the loop that only writes them: above 1 they are faster. */
export const LOOP_SHARES: readonly Figure[] = [
  loopShare('share of a plain loop, one file at a time', ({ plainLoop }) => plainLoop),
  loopShare('share of a plain loop, 12 at a time', ({ plainLoops }) => plainLoops),
]

/** Every number there is, in tables. The phases in phases/ measure what is read here. */
export const TABLES: readonly { title: string; figures: readonly Figure[] }[] = [
  {
    title: 'Jobs a second',
    figures: [
      perS('accepted, worker on', ({ accept }) => accept),
      ms('POST p99 ms', ({ accept }) => accept?.p99, 1),
      perS('accepted, worker off', ({ fill }) => fill),
      perS('POST to handler', e2e),
      perS('drain of the backlog', ({ drain }) => drain),
    ],
  },
  {
    title: 'From the POST to the start of the handler, ms',
    figures: [
      ms('100/s p50', ({ rate }) => rate?.p50),
      ms('100/s p99', ({ rate }) => rate?.p99),
      ms('idle p50', ({ idle }) => idle?.p50),
      ms('idle max', ({ idle }) => idle?.max),
    ],
  },
  {
    title: 'CPU a job (POST to handler), microseconds',
    figures: [
      cpu('api', e2e, 'api'),
      cpu('keeper', e2e, 'keeper'),
      cpu('worker', e2e, 'worker'),
      cpu('store', e2e, 'store'),
      cpu('all', e2e, 'api', 'keeper', 'worker', 'store'),
    ],
  },
  {
    title: 'Memory, MiB',
    figures: [
      mib('api at most', ({ api }) => api),
      mib('keeper at most', ({ keeper }) => keeper),
      mib('worker at most', ({ worker }) => worker),
      mib('store at the end', ({ store }) => store),
    ],
  },
  {
    title: 'Requests of 3 steps of 4 jobs',
    figures: [
      perS('requests a second, many at once', ({ requests }) => requests),
      ms('alone, POST to last handler, p50 ms', ({ request }) => request?.p50),
      ms('step to step p50 ms', ({ step }) => step?.p50),
      ms('step to step p99 ms', ({ step }) => step?.p99),
      cpu('CPU a request, microseconds', ({ requests }) => requests, 'api', 'keeper', 'worker', 'workflow', 'store'),
    ],
  },
  {
    title: 'Messages, in batches of five',
    figures: [
      perS('to files a second', ({ messages }) => messages),
      perS('accepted a second', ({ messagesAccepted }) => messagesAccepted),
      ...LOOP_SHARES,
      ms('POST to file p50 ms', ({ message }) => message?.p50, 1),
      ms('POST to file p99 ms', ({ message }) => message?.p99, 1),
      cpu('CPU a message, microseconds', ({ messages }) => messages, 'api', 'ingest', 'store'),
    ],
  },
  {
    title: 'Reads a second',
    figures: [
      perS('GET of a job', ({ get }) => get),
      ms('GET p99 ms', ({ get }) => get?.p99, 1),
      perS('list of 50 jobs', ({ list }) => list),
      ms('list p99 ms', ({ list }) => list?.p99, 1),
    ],
  },
]

/** A figure over the repeats; null: no run has it. */
export interface Spread {
  median: number
  lowest: number
  highest: number
}

export function spreadOf(rows: readonly Row[], { of }: Figure): Spread | null {
  const sorted = rows
    .map(of)
    .filter((value) => value != null)
    .toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [lowest, low, high, highest] = [
    sorted[0],
    sorted[sorted.length % 2 === 1 ? half : half - 1],
    sorted[half],
    sorted.at(-1),
  ]
  if (lowest === undefined || low === undefined || high === undefined || highest === undefined) return null
  return { median: (low + high) / 2, lowest, highest }
}

export const inDigits = (value: number, { digits = 0 }: Figure): string =>
  digits === 0 ? Math.round(value).toLocaleString('en') : value.toFixed(digits)

/** The median, and where there are several repeats the range. */
export function textOf({ median, lowest, highest }: Spread, figure: Figure): string {
  const middle = inDigits(median, figure)
  return lowest === highest ? middle : `${middle} (${inDigits(lowest, figure)} - ${inDigits(highest, figure)})`
}

/** Faults of the runs, a line each. */
export function problemsOf(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const found = Object.entries(row).flatMap(([name, value]) =>
      isMeasured(value) ? [...value.problems, ...noiseOf(value, row)].map((problem) => `${name}: ${problem}`) : [],
    )
    return [...(row.error === undefined ? [] : [row.error]), ...found].map(
      (problem) => `- ${row.peer} #${row.repeat}: ${problem}`,
    )
  })
}

const noiseOf = ({ cpu: { othersCores } }: Measured, { settings }: Row): string[] =>
  othersCores > settings.noise ? [`other processes used ${othersCores.toFixed(1)} cores`] : []

const isMeasured = (value: unknown): value is Measured =>
  typeof value === 'object' && value !== null && 'problems' in value && Array.isArray(value.problems)

export const markdown = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
