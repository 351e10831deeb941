import { type Figure, inDigits, LOOP_SHARES, markdown, problemsOf, spreadOf, TABLES, textOf } from './figures.ts'
import { type Peer, type PeerName, peers } from './peers.ts'
import type { Row } from './run-peer.ts'

type Clean = ReadonlyMap<PeerName, readonly Row[]>

/** Hasty, and the peers that sync as it does. */
const SAME_SYNC = [
  { ours: 'hasty', theirs: ['bullmq', 'asynq'] },
  { ours: 'hasty-always', theirs: ['bullmq-always', 'pgboss', 'graphile'] },
] as const

/** Medians of the repeats, as tables in Markdown, then what is worse than elsewhere, then whatever was not clean. */
export function resultsTable(rows: readonly Row[]): string {
  const clean: Clean = Map.groupBy(
    rows.filter(({ error }) => error === undefined),
    ({ peer }) => peer,
  )
  const tables = TABLES.map(({ title, figures }) => tableOf(title, figures, clean))
  const problems = problemsOf(rows)
  const unclean = problems.length === 0 ? '' : ['## Not clean', '', ...problems].join('\n')
  return [...tables, lossesOf(clean), unclean].filter((part) => part !== '').join('\n\n')
}

function tableOf(title: string, figures: readonly Figure[], clean: Clean): string {
  const lines = [...clean].flatMap(([name, rows]) => {
    const cells = figures.map((figure) => cell(rows, figure))
    return cells.every((text) => text === '-') ? [] : [[labelOf(name), ...cells]]
  })
  const head = ['peer', ...figures.map((figure) => figure.title)]
  return lines.length === 0 ? '' : `## ${title}\n\n${markdown(head, lines)}`
}

const labelOf = (name: PeerName): string => peers[name].label

/** The median, and where there are several the range. */
function cell(rows: readonly Row[], figure: Figure): string {
  const spread = spreadOf(rows, figure)
  return spread === null ? '-' : textOf(spread, figure)
}

/** Where Hasty does worse than a peer that syncs as it does, in words. */
function lossesOf(clean: Clean): string {
  const parts = SAME_SYNC.flatMap(({ ours, theirs }) => {
    const [own, others] = [clean.get(ours), theirs.filter((name) => clean.has(name))]
    if (own === undefined || others.length === 0) return []
    const losses = TABLES.flatMap(({ title, figures }) =>
      figures.flatMap((figure) => lossOf({ title, figure, own, others, clean })),
    )
    losses.push(...LOOP_SHARES.flatMap((share) => lossToLoop(own, share)))
    const against = others.map(labelOf).join('; ')
    const head = `${labelOf(ours)}, by the medians, against ${against}:`
    return [[head, '', ...(losses.length === 0 ? ['- nowhere'] : losses)].join('\n')]
  })
  return parts.length === 0 ? '' : ['## Where Hasty does worse', ...parts].join('\n\n')
}

interface Comparison {
  title: string
  figure: Figure
  own: readonly Row[]
  others: readonly PeerName[]
  clean: Clean
}

function lossOf({ title, figure, own, others, clean }: Comparison): string[] {
  const mine = spreadOf(own, figure)
  if (mine === null) return []
  const better = others.flatMap((name) => {
    const theirs = spreadOf(clean.get(name) ?? [], figure)
    if (theirs === null) return []
    const factor = figure.better === 'higher' ? theirs.median / mine.median : mine.median / theirs.median
    return factor > 1 ? [`${labelOf(name)} ${inDigits(theirs.median, figure)} (${factor.toFixed(1)} times better)`] : []
  })
  if (better.length === 0) return []
  return [`- ${title}, ${figure.title}: Hasty ${inDigits(mine.median, figure)}; ${better.join('; ')}.`]
}

function lossToLoop(own: readonly Row[], share: Figure): string[] {
  const spread = spreadOf(own, share)
  return spread === null || spread.median >= 1
    ? []
    : [`- Messages to files, ${share.title}: ${inDigits(spread.median, share)}.`]
}

/** A short description of each peer, for the readers of the tables. */
export const peersTable = (names: readonly PeerName[]): string =>
  markdown(
    ['peer', 'store', 'what remains of a finished job'],
    names.map((name) => {
      const peer: Peer = peers[name]
      return [peer.label, peer.store, peer.keeps]
    }),
  )
