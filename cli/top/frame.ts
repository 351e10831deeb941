import type { Digest } from '../../client/index.ts'
import type { Output } from '../output.ts'
import type { History } from './history.ts'
import { sparkline } from './sparkline.ts'

type LiveType = Digest['types'][string]

export interface FrameOptions extends Pick<Output, 'paint' | 'columns' | 'rows'> {
  /** Whom the view is about: the address, and the tenant where there is one. */
  title: string
}

/** A sign and a colour help to find a state; the word says everything. */
const STATES = {
  stalled: ['■', 'red'],
  paused: ['‖', 'magenta'],
  running: ['●', 'green'],
  unknown: ['?', 'yellow'],
  idle: ['○', 'gray'],
} as const satisfies Record<LiveType['state'], [string, string]>

const VERDICTS = {
  healthy: ['●', 'green', 'HEALTHY'],
  no_worker: ['■', 'red', 'NO WORKER'],
  backlog_growing: ['▲', 'yellow', 'BACKLOG GROWING'],
  broker_lost: ['✖', 'red', 'BROKER LOST'],
} as const satisfies Record<Digest['verdict']['code'], [string, string, string]>

const STATE_WIDTH = 9
const COUNT_WIDTH = 9
const SPARK_MAX = 60
/** Lines around those of the types: title, verdict, sums and blank lines. */
const FRAME_LINES = 11

/** The whole screen, one line after the other. */
export function frameOf(digest: Digest, history: History, options: FrameOptions): string[] {
  const { paint, columns } = options
  const rule = paint('gray', '─'.repeat(columns))
  const types = Object.entries(digest.types).toSorted(mostTellingFirst)
  const room = Math.max(2, options.rows - FRAME_LINES)
  const shownTypes = types.length > room ? types.slice(0, room - 1) : types
  const left = types.length - shownTypes.length
  const rest = left > 0 ? [paint('gray', `  … and ${left} more, which do less`)] : []
  return [
    titleLine(digest, options),
    ...verdictLines(digest, options),
    rule,
    ...sumLines(digest, history, options),
    rule,
    ...typeLines(shownTypes, history, options),
    ...rest,
    '',
    paint('gray', ' Ctrl-C to leave'),
  ]
}

function titleLine({ t, workers }: Digest, { paint, columns, title }: FrameOptions): string {
  const name = ' hasty top'
  const who = workers === null ? 'workers unknown' : `${workers} ${workers === 1 ? 'worker' : 'workers'}`
  const right = `${who} · ${t.slice(11, 19)} UTC `
  const room = columns - name.length - right.length - 4
  const middle = title.length > room ? `${title.slice(0, Math.max(0, room - 1))}…` : title.padEnd(room)
  return `${paint('bold', name)}  ${paint('cyan', middle)}  ${right}`
}

function verdictLines({ verdict }: Digest, { paint, columns }: FrameOptions): string[] {
  const [sign, colour, word] = VERDICTS[verdict.code]
  const start = ` ${sign} ${word}  `
  const room = columns - start.length - 1
  const detail = verdict.detail.length > room ? `${verdict.detail.slice(0, Math.max(0, room - 1))}…` : verdict.detail
  return ['', `${paint([colour, 'bold'], start)}${detail}`, '']
}

function sumLines({ types }: Digest, history: History, { paint, columns }: FrameOptions): string[] {
  const all = history.get('') ?? { in: [], out: [], failed: [] }
  const width = Math.max(6, Math.min(SPARK_MAX, Math.floor((columns - 60) / 3)))
  const flow = (word: string, values: (number | null)[], colour: 'cyan' | 'green' | 'red') =>
    `${word} ${shown(values.at(-1) ?? null).padStart(6)} ${paint(colour, sparkline(values, width))}`
  const sum = (name: 'waiting' | 'running') => {
    const counts = Object.values(types).map((type) => type[name])
    return counts.includes(null) ? null : counts.reduce<number>((total, count) => total + (count ?? 0), 0)
  }
  return [
    ` ${flow('in/s', all.in, 'cyan')}   ${flow('out/s', all.out, 'green')}   ${flow('failed/s', all.failed, 'red')}`,
    ` waiting ${paint('bold', shown(sum('waiting')))}   running ${paint('bold', shown(sum('running')))}`,
  ]
}

function typeLines(types: [string, LiveType][], history: History, { paint, columns }: FrameOptions): string[] {
  const counts = 5 * (COUNT_WIDTH + 1)
  const nameWidth = Math.max(8, Math.min(24, Math.max(4, ...types.map(([name]) => name.length))))
  const sparkWidth = Math.max(0, Math.min(SPARK_MAX, columns - nameWidth - STATE_WIDTH - counts - 8))
  const words = ['WAITING', 'RUNNING', 'IN/S', 'OUT/S', 'FAILED/S'].map((word) => word.padStart(COUNT_WIDTH)).join(' ')
  const heading = ` ${'TYPE'.padEnd(nameWidth)}  ${'STATE'.padEnd(STATE_WIDTH + 2)} ${words}`
  const lines = types.map(([name, type]) => {
    const [sign, colour] = STATES[type.state]
    const numbers = [type.waiting, type.running, type.in, type.out].map((count) => shown(count).padStart(COUNT_WIDTH))
    const failed = shown(type.failed).padStart(COUNT_WIDTH)
    const spark = sparkWidth < 8 ? '' : `  ${paint('green', sparkline(history.get(name)?.out ?? [], sparkWidth))}`
    const text = name.length > nameWidth ? `${name.slice(0, nameWidth - 1)}…` : name.padEnd(nameWidth)
    const state = paint(colour, `${sign} ${type.state.padEnd(STATE_WIDTH)}`)
    return ` ${text}  ${state} ${numbers.join(' ')} ${(type.failed ?? 0) > 0 ? paint('red', failed) : failed}${spark}`
  })
  const about = sparkWidth < 8 ? '' : `  ${`OUT/S, LAST ${sparkWidth} S`.padStart(sparkWidth)}`
  return [paint('bold', heading + about), ...lines]
}

const shown = (count: number | null): string => (count === null ? '–' : count.toLocaleString('en'))

function mostTellingFirst([oneName, one]: [string, LiveType], [otherName, other]: [string, LiveType]): number {
  const weight = ({ waiting, running, in: accepted, out }: LiveType) =>
    (waiting ?? 0) + (running ?? 0) + (accepted ?? 0) + (out ?? 0)
  const byState = Number(other.state === 'stalled') - Number(one.state === 'stalled')
  const isIdle = Number(one.state === 'idle') - Number(other.state === 'idle')
  return byState || isIdle || weight(other) - weight(one) || (oneName < otherName ? -1 : 1)
}
