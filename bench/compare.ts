import { type Figure, markdown, type Spread, spreadOf, TABLES, textOf } from './peers/figures.ts'
import { type PeerName, peers } from './peers/peers.ts'
import type { Row } from './peers/run-peer.ts'

interface Line {
  peer: PeerName
  name: string
  figure: Figure
  before: Spread | null
  now: Spread
}

/** The figures of a run as a table: of the run before, of this one, their ratio, and one sentence on what has moved. */
export function compare(before: readonly Row[], now: readonly Row[]): string {
  const lines = linesOf(before, now)
  const cells = lines.map((line) => {
    const { name, figure, before: earlier, now: later } = line
    const ratio = earlier === null ? '-' : `${ratioOf(earlier, later)}${hasMoved(line) ? ' *' : ''}`
    return [name, earlier === null ? '-' : textOf(earlier, figure), textOf(later, figure), ratio]
  })
  return `${markdown(['metric', 'before', 'now', 'ratio'], cells)}\n\n${verdictOn(lines, before, now)}`
}

/** Medians and ranges alone, where there is nothing to compare with. */
export const summary = (now: readonly Row[]): string =>
  markdown(
    ['metric', 'now'],
    linesOf([], now).map(({ name, figure, now: spread }) => [name, textOf(spread, figure)]),
  )

function linesOf(before: readonly Row[], now: readonly Row[]): Line[] {
  const names = [...new Set(now.map(({ peer }) => peer))]
  return names.flatMap((peer) => {
    const [earlier, later] = [before, now].map((rows) => rows.filter((row) => row.peer === peer && !row.error))
    return TABLES.flatMap(({ title, figures }) =>
      figures.flatMap((figure) => {
        const spread = spreadOf(later ?? [], figure)
        if (spread === null) return []
        const name = `${shortName(peer)}: ${title}, ${figure.title}`
        return [{ peer, name, figure, before: spreadOf(earlier ?? [], figure), now: spread }]
      }),
    )
  })
}

const shortName = (peer: PeerName): string => peers[peer].label.split(' (')[0] ?? peer

const ratioOf = (before: Spread, now: Spread): string =>
  before.median === 0 ? '-' : (now.median / before.median).toFixed(2)

/**
 * Whether no repeat of the one run lies within the range of the other, and the medians lie farther apart than either
 * range is wide: of two runs of the same code, three repeats each, one metric in ten differs by the first alone.
 */
function hasMoved({ before, now }: Line): boolean {
  if (before === null || (now.lowest <= before.highest && now.highest >= before.lowest)) return false
  const widest = Math.max(before.highest - before.lowest, now.highest - now.lowest)
  return Math.abs(now.median - before.median) > widest
}

function verdictOn(lines: readonly Line[], before: readonly Row[], now: readonly Row[]): string {
  const repeats = Math.min(...[before, now].map((rows) => Math.max(0, ...rows.map(({ repeat }) => repeat))))
  if (repeats < 2) return 'One repeat has no spread, so nothing can be said about what has moved: take more repeats.'
  const moved = lines.flatMap((line) => {
    if (line.before === null || !hasMoved(line)) return []
    const isBetter = line.now.median > line.before.median === (line.figure.better === 'higher')
    return [`${line.name} ${ratioOf(line.before, line.now)} (${isBetter ? 'better' : 'worse'})`]
  })
  const machine = lines.find(({ peer, before: earlier }) => peer === 'bare-koa' && earlier !== null)
  const ofMachine = machine?.before ? ` The machine itself (bare Koa): ${ratioOf(machine.before, machine.now)}.` : ''
  if (moved.length === 0) return `No ratio moved beyond the spread of the repeats.${ofMachine}`
  return `Beyond the spread of the repeats moved: ${moved.join('; ')}.${ofMachine}`
}
