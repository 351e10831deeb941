import { addHistogram, type Histogram, partOf } from './histogram.ts'
import {
  COUNTERS,
  emptyTally,
  type Occurrence,
  type Occurrences,
  type SeriesRow,
  type SpanChange,
  type SpanKey,
  STEPS,
  type Tally,
} from './series.ts'

/** The rows in which the occurrences of a type and tenant are counted just now. */
interface Current {
  atS: number
  rows: SpanChange[]
}

const SHORTEST_S = STEPS[0].stepS

/** Counts the occurrences of a batch: once in the shortest spans, of which the longer ones are made. */
export class SpanCounter {
  readonly #cells = new Map<string, SpanChange>()
  // Nested maps, because to make one key for each occurrence would cost more than to count it.
  readonly #current = new Map<string, Map<string, Current>>()

  /** Counts what happened; the object itself is not kept. */
  add(occurrence: Occurrence): void {
    const { type, tenant, seq, atMs } = occurrence
    const atS = Math.floor(atMs / (SHORTEST_S * 1_000)) * SHORTEST_S
    const known = this.#current.get(type)?.get(tenant)
    const { rows } = known?.atS === atS ? known : this.#moveTo(atS, occurrence)
    for (const row of rows) {
      count(row.tally, occurrence)
      row.lastSeq = seq
    }
  }

  changes(): SpanChange[] {
    const shortest = [...this.#cells.values()]
    return STEPS.flatMap(({ stepS }) => (stepS === SHORTEST_S ? shortest : merged(shortest, stepS)))
  }

  #moveTo(atS: number, { type, tenant, seq }: Occurrence): Current {
    const key = { stepS: SHORTEST_S, atS, type }
    const rows = [this.#cell({ ...key, tenant: '' }, seq)]
    if (tenant !== '') rows.push(this.#cell({ ...key, tenant }, seq))
    const ofType = this.#current.get(type) ?? new Map<string, Current>()
    const current = { atS, rows }
    this.#current.set(type, ofType.set(tenant, current))
    return current
  }

  #cell(key: SpanKey, seq: number): SpanChange {
    const name = `${key.atS} ${key.type} ${key.tenant}`
    const known = this.#cells.get(name)
    if (known !== undefined) return known
    const cell = { ...key, firstSeq: seq, lastSeq: seq, tally: emptyTally() }
    this.#cells.set(name, cell)
    return cell
  }
}

function merged(shortest: SpanChange[], stepS: SpanKey['stepS']): SpanChange[] {
  const spans = new Map<string, SpanChange>()
  for (const cell of shortest) {
    const atS = Math.floor(cell.atS / stepS) * stepS
    const name = `${atS} ${cell.type} ${cell.tenant}`
    const span = spans.get(name)
    if (span === undefined) {
      spans.set(name, { ...cell, stepS, atS, tally: sumOf(emptyTally(), cell.tally) })
      continue
    }
    sumOf(span.tally, cell.tally)
    span.firstSeq = Math.min(span.firstSeq, cell.firstSeq)
    span.lastSeq = Math.max(span.lastSeq, cell.lastSeq)
  }
  return [...spans.values()]
}

function count(tally: Tally, { counter, waitMs, runMs }: Occurrence): void {
  tally[counter]++
  if (waitMs !== undefined) countDuration(tally.wait, waitMs)
  if (runMs !== undefined) countDuration(tally.run, runMs)
}

function countDuration(histogram: Histogram, ms: number): void {
  const part = partOf(ms)
  histogram[part] = (histogram[part] ?? 0) + 1
}

/** Adds the second tally to the first. @returns the first */
export function sumOf(into: Tally, added: Tally): Tally {
  for (const counter of COUNTERS) into[counter] += added[counter]
  addHistogram(into.wait, added.wait)
  addHistogram(into.run, added.run)
  return into
}

/**
 * The row after a batch.
 * @param stored the row as the store has it
 * @returns null where it has the whole batch already
 */
export function rowAfter(
  change: SpanChange,
  stored: SeriesRow | null,
  { generation, logGeneration, logFromMs, changesAfter }: Omit<Occurrences, 'changes'>,
): SeriesRow | null {
  const { stepS, atS, tenant, type, firstSeq, lastSeq } = change
  const { seq, kept } = goOnFrom(stored, { generation, logGeneration, isWhole: atS * 1_000 >= logFromMs })
  if (seq >= lastSeq) return null
  const added = seq < firstSeq ? change.tally : tallyOf(change, changesAfter(seq).spans)
  const tally = sumOf(kept?.tally ?? emptyTally(), added)
  return { stepS, atS, tenant, type, generation, seq: lastSeq, tally }
}

/**
 * The sequence after which counting goes on, and the row that it adds to. A newer generation, which reads the log anew,
 * begins from nothing where its log has all that the row stands for; of what was partly trimmed it keeps what was
 * counted, and adds only what came later.
 */
export function goOnFrom<Row extends Pick<SeriesRow, 'generation' | 'seq'>>(
  stored: Row | null,
  { generation, logGeneration, isWhole }: { generation: number; logGeneration: number; isWhole: boolean },
): { seq: number; kept: Row | null } {
  if (stored === null) return { seq: 0, kept: null }
  if (stored.generation > generation) return { seq: Infinity, kept: stored }
  if (stored.generation === generation) return { seq: stored.seq, kept: stored }
  if (isWhole) return { seq: 0, kept: null }
  // Sequences of another log mean nothing in this one.
  return { seq: stored.generation < logGeneration ? 0 : stored.seq, kept: stored }
}

/** What was counted of a row in a part of the batch. */
const tallyOf = ({ stepS, atS, tenant, type }: SpanKey, changes: SpanChange[]): Tally =>
  changes.find((each) => each.stepS === stepS && each.atS === atS && each.tenant === tenant && each.type === type)
    ?.tally ?? emptyTally()
