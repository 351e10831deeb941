import type { Occurrences } from '../series/series.ts'
import { goOnFrom } from '../series/tally.ts'
import {
  ERRORS_KEPT,
  type ErrorChange,
  type ErrorKey,
  type ErrorOccurrence,
  type ErrorRow,
  type ErrorTally,
  OTHER_ERRORS,
} from './errors.ts'
import { fingerprintOf, patternOf } from './fingerprint.ts'

const HOURS_KEPT = 24
const HOUR_S = 3_600

/** Counts the errors of a batch. */
export class ErrorCounter {
  readonly #changes = new Map<string, ErrorChange>()

  add(occurrence: ErrorOccurrence): void {
    const { type, error, tenant } = occurrence
    const fingerprint = fingerprintOf(type, error)
    this.#count({ tenant: '', fingerprint }, occurrence)
    if (tenant !== '') this.#count({ tenant, fingerprint }, occurrence)
  }

  changes(): ErrorChange[] {
    return [...this.#changes.values()]
  }

  #count(key: ErrorKey, { seq, at, atMs, type, jobId, error }: ErrorOccurrence): void {
    const name = errorKeyOf(key)
    const hourS = Math.floor(atMs / (HOUR_S * 1_000)) * HOUR_S
    const tally: ErrorTally = {
      type,
      name: error.name,
      code: error.code ?? null,
      message: patternOf(error.message),
      count: 1,
      firstAt: at,
      lastAt: at,
      sampleJobId: jobId,
      hours: { [hourS]: 1 },
    }
    const known = this.#changes.get(name)
    // Within an hour, which is most of them, nothing but a few members changes.
    if (known !== undefined && hourS in known.tally.hours && at >= known.tally.lastAt) {
      known.lastSeq = seq
      known.tally.count++
      known.tally.hours[hourS] = (known.tally.hours[hourS] ?? 0) + 1
      known.tally.lastAt = at
      known.tally.sampleJobId = jobId
      return
    }
    const firstSeq = known?.firstSeq ?? seq
    this.#changes.set(name, {
      ...key,
      firstSeq,
      lastSeq: seq,
      tally: known === undefined ? tally : together(known.tally, tally),
    })
  }
}

/** Both, of which the second was seen later in the log. */
function together(before: ErrorTally, after: ErrorTally): ErrorTally {
  const hours = { ...before.hours }
  for (const [hour, count] of Object.entries(after.hours)) hours[hour] = (hours[hour] ?? 0) + count
  const kept = Object.entries(hours)
    .toSorted(([one], [other]) => Number(other) - Number(one))
    .slice(0, HOURS_KEPT)
  const isLater = after.lastAt >= before.lastAt
  return {
    ...after,
    count: before.count + after.count,
    firstAt: before.firstAt < after.firstAt ? before.firstAt : after.firstAt,
    lastAt: isLater ? after.lastAt : before.lastAt,
    sampleJobId: isLater ? after.sampleJobId : before.sampleJobId,
    hours: Object.fromEntries(kept),
  }
}

/** The row after a batch. @returns null where it has the whole batch already */
function errorAfter(
  change: ErrorChange,
  stored: ErrorRow | null,
  { generation, logGeneration, logFromMs, changesAfter }: Omit<Occurrences, 'changes'>,
): ErrorRow | null {
  const { tenant, fingerprint, firstSeq, lastSeq } = change
  const isWhole = stored !== null && Date.parse(stored.tally.firstAt) >= logFromMs
  const { seq, kept } = goOnFrom(stored, { generation, logGeneration, isWhole })
  if (seq >= lastSeq) return null
  const added = seq < firstSeq ? change : changesAfter(seq).errors.find(isSame(change))
  if (added === undefined) return null
  const tally = kept === null ? added.tally : together(kept.tally, added.tally)
  return { tenant, fingerprint, generation, seq: lastSeq, tally }
}

const isSame =
  ({ tenant, fingerprint }: ErrorKey) =>
  (other: ErrorKey): boolean =>
    other.fingerprint === fingerprint && other.tenant === tenant

/** The change as one of those that are counted together, because the tenant has as many kinds as are kept. */
const asOther = (change: ErrorChange): ErrorChange => ({
  ...change,
  fingerprint: OTHER_ERRORS,
  tally: { ...change.tally, type: '', name: 'Other', code: null, message: 'Errors beyond those that are told apart' },
})

export const errorKeyOf = ({ tenant, fingerprint }: ErrorKey): string => `${fingerprint} ${tenant}`

/**
 * The rows after a batch.
 * @param stored the rows that there are, those of `other` among them, by `errorKeyOf`
 * @param keptOf the number of rows that a tenant has
 */
export function errorsAfter(
  occurrences: Occurrences,
  stored: ReadonlyMap<string, ErrorRow>,
  keptOf: (tenant: string) => number,
): ErrorRow[] {
  const kept = new Map<string, number>()
  const others = new Map<string, ErrorChange>()
  const rows: ErrorRow[] = []
  for (const change of occurrences.changes.errors) {
    const { tenant } = change
    const known = stored.get(errorKeyOf(change)) ?? null
    if (known === null) {
      const count = kept.get(tenant) ?? keptOf(tenant)
      kept.set(tenant, count + 1)
      if (count >= ERRORS_KEPT) {
        others.set(tenant, bothOthers(others.get(tenant), asOther(change)))
        continue
      }
    }
    const next = errorAfter(change, known, occurrences)
    if (next !== null) rows.push(next)
  }
  for (const change of others.values()) {
    const next = errorAfter(change, stored.get(errorKeyOf(change)) ?? null, occurrences)
    if (next !== null) rows.push(next)
  }
  return rows
}

const bothOthers = (before: ErrorChange | undefined, change: ErrorChange): ErrorChange =>
  before === undefined
    ? change
    : {
        ...change,
        firstSeq: Math.min(before.firstSeq, change.firstSeq),
        lastSeq: Math.max(before.lastSeq, change.lastSeq),
        tally: together(before.tally, change.tally),
      }
