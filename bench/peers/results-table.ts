import { type PeerName, peers } from './peers.ts'
import type { Row } from './run-peer.ts'

type Figure = (row: Row) => number | null | undefined

interface Column {
  title: string
  figure: Figure
  digits?: number
}

const milliseconds = (us: number | null | undefined): number | null => (us == null ? null : us / 1_000)

/** Microseconds of CPU a job of the phase `e2e`. */
const cpuOf =
  (...roles: ('api' | 'worker' | 'store')[]): Figure =>
  ({ e2e, jobs }) =>
    e2e === undefined ? null : (roles.reduce((sum, role) => sum + (e2e.cpu.ms[role] ?? 0), 0) * 1_000) / jobs

const TABLES: [title: string, columns: Column[]][] = [
  [
    'Jobs a second',
    [
      { title: 'accepted, worker on', figure: ({ accept }) => accept?.perS },
      { title: 'POST p99 ms', figure: ({ accept }) => milliseconds(accept?.p99), digits: 1 },
      { title: 'accepted, worker off', figure: ({ fill }) => fill?.perS },
      { title: 'POST to handler', figure: ({ e2e }) => e2e?.perS },
      { title: 'drain of the backlog', figure: ({ drain }) => drain?.perS },
    ],
  ],
  [
    'From the POST to the start of the handler, ms',
    [
      { title: '100/s p50', figure: ({ rate }) => milliseconds(rate?.p50), digits: 2 },
      { title: '100/s p99', figure: ({ rate }) => milliseconds(rate?.p99), digits: 2 },
      { title: 'idle p50', figure: ({ idle }) => milliseconds(idle?.p50), digits: 2 },
      { title: 'idle max', figure: ({ idle }) => milliseconds(idle?.max), digits: 2 },
    ],
  ],
  [
    'CPU a job (POST to handler), microseconds, and memory, MiB',
    [
      { title: 'api', figure: cpuOf('api') },
      { title: 'worker', figure: cpuOf('worker') },
      { title: 'store', figure: cpuOf('store') },
      { title: 'all', figure: cpuOf('api', 'worker', 'store') },
      { title: 'api at most', figure: ({ memory }) => memory?.api },
      { title: 'worker at most', figure: ({ memory }) => memory?.worker },
      { title: 'store at the end', figure: ({ memory }) => memory?.store },
    ],
  ],
]

/** Medians of the repeats, as tables in Markdown, then the ratios to BullMQ, then whatever was not clean. */
export function resultsTable(rows: readonly Row[]): string {
  const clean = Map.groupBy(
    rows.filter(({ error }) => error === undefined),
    ({ peer }) => peer,
  )
  const tables = TABLES.map(([title, columns]) => tableOf(title, columns, clean))
  return [...tables, ratiosOf(clean), problemsOf(rows)].filter((part) => part !== '').join('\n\n')
}

function tableOf(title: string, columns: Column[], clean: ReadonlyMap<PeerName, Row[]>): string {
  const lines = [...clean].map(([name, rows]) => [peers[name].label, ...columns.map((column) => cell(rows, column))])
  return markdown([title, ...columns.map((column) => column.title)], lines)
}

/** Hasty against BullMQ under the same durability, by the medians. */
function ratiosOf(clean: ReadonlyMap<PeerName, Row[]>): string {
  const columns = TABLES.flatMap(([, all]) => all)
  const pairs = [
    ['hasty', 'bullmq'],
    ['hasty-always', 'bullmq-always'],
  ] as const
  const lines = pairs.flatMap(([ours, theirs]) => {
    const [own, other] = [clean.get(ours), clean.get(theirs)]
    if (own === undefined || other === undefined) return []
    const ratios = columns.map(({ figure }) => median(own, figure) / median(other, figure))
    return [[`${ours} / ${theirs}`, ...ratios.map((ratio) => (Number.isFinite(ratio) ? ratio.toFixed(2) : '-'))]]
  })
  return lines.length === 0 ? '' : markdown(['Ratio of medians', ...columns.map(({ title }) => title)], lines)
}

function problemsOf(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ peer, repeat, error, e2e, accept, fill, drain }) => {
    const found = [error, ...[e2e, accept, fill, drain].flatMap((phase) => phase?.problems ?? [])]
    return found.filter((problem) => problem !== undefined).map((problem) => `- ${peer} #${repeat}: ${problem}`)
  })
  return lines.length === 0 ? '' : ['Not clean:', ...lines].join('\n')
}

const markdown = (head: string[], lines: string[][]): string =>
  [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function figuresOf(rows: readonly Row[], figure: Figure): number[] {
  return rows
    .map(figure)
    .filter((value) => value != null)
    .toSorted((a, b) => a - b)
}

function median(rows: readonly Row[], figure: Figure): number {
  const sorted = figuresOf(rows, figure)
  const half = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 1 ? half : half - 1], sorted[half]]
  return (low + high) / 2
}

/** The median, and where there are several the range. */
function cell(rows: readonly Row[], { figure, digits = 0 }: Column): string {
  const sorted = figuresOf(rows, figure)
  const text = (value: number) => (digits === 0 ? Math.round(value).toLocaleString('en') : value.toFixed(digits))
  const [lowest, highest] = [sorted[0], sorted.at(-1)]
  if (lowest === undefined || highest === undefined) return '-'
  const middle = text(median(rows, figure))
  return sorted.length === 1 ? middle : `${middle} (${text(lowest)} - ${text(highest)})`
}
