import {
  SERIES_POINTS_MAX,
  SERIES_STEPS,
  type Series,
  type SeriesPoint,
  type SeriesQuery,
  type SeriesStep,
} from '#shared/contracts/http/series.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import { badParameters } from '#shared/http/read-query.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { percentilesOf } from '#shared/stores/jobs/series/histogram.ts'
import {
  emptyTally,
  type LevelRow,
  type SeriesRow,
  STEPS,
  type StepS,
  type Tally,
} from '#shared/stores/jobs/series/series.ts'
import { sumOf } from '#shared/stores/jobs/series/tally.ts'
import { type Clock, isoTime, SECOND } from '#shared/time/clock.ts'

export interface ReadSeriesDeps {
  store: Pick<JobStore, 'series' | 'levels' | 'firstSpan'>
  clock: Clock
}

/** The range that is shown where the caller names none, by the length of a span, in seconds. */
const USUAL_RANGE_S = { 10: 15 * 60, 60: 3 * 3_600, 3600: 7 * 24 * 3_600 } as const
/** Number of spans up to which the shorter ones are taken for a range. */
const ENOUGH_POINTS = 720

interface Range {
  step: SeriesStep
  stepS: StepS
  fromS: number
  belowS: number
}

/** Whose jobs are counted, and up to when the store has applied everything; null: not known. */
interface Seen {
  tenant: string | null
  asOf: string | null
}

/**
 * What happened in each span, oldest first. A span of which nothing is known has null, and never 0: it lies before the
 * first event, is not kept any longer, or has not been applied yet.
 * @throws AppError `invalid-request` for a range that has too many spans; `unavailable`
 */
export async function readSeries(
  { store, clock }: ReadSeriesDeps,
  query: SeriesQuery,
  { tenant, asOf }: Seen,
): Promise<Series> {
  const nowS = Math.floor(clock.now() / SECOND)
  const range = rangeOf(query, nowS)
  const { step, stepS, fromS, belowS } = range
  const about = { stepS, type: query.type ?? null, fromS, belowS }
  const [rows, levels, knownFromS] = await Promise.all([
    store.series({ ...about, tenant }),
    tenant === null ? store.levels(about) : [],
    firstKnown(store, stepS, nowS),
  ]).catch(cannotRead('The store'))
  const known = { fromS: knownFromS, belowS: asOf === null ? 0 : Date.parse(asOf) / SECOND }
  const pointsOf = (of: SeriesRow[], at: LevelRow[]) => points(range, known, of, at)
  const types = [...new Set([...rows, ...levels].map(({ type }) => type))].toSorted()
  return {
    step,
    complete_until: asOf === null ? null : isoTime(Math.floor(known.belowS / stepS) * stepS * SECOND),
    points: pointsOf(rows, levels),
    ...(query.by === undefined
      ? {}
      : {
          by_type: Object.fromEntries(types.map((type) => [type, pointsOf(ofType(rows, type), ofType(levels, type))])),
        }),
  }
}

const ofType = <Row extends { type: string }>(rows: Row[], type: string): Row[] =>
  rows.filter((row) => row.type === type)

function rangeOf({ from, to, step: named }: SeriesQuery, nowS: number): Range {
  const toS = to === undefined ? nowS + 1 : Date.parse(to) / SECOND
  const askedS = from === undefined ? undefined : Date.parse(from) / SECOND
  const step = named ?? (askedS === undefined ? '10s' : fittingStep(toS - askedS, nowS - askedS))
  const stepS = SERIES_STEPS[step]
  const fromS = Math.floor((askedS ?? toS - USUAL_RANGE_S[stepS]) / stepS) * stepS
  const belowS = Math.ceil(toS / stepS) * stepS
  if (belowS <= fromS) throw badParameters([{ parameter: 'to', detail: 'must be later than from' }])
  if ((belowS - fromS) / stepS > SERIES_POINTS_MAX) {
    const detail = `must give a range of at most ${SERIES_POINTS_MAX} spans of ${step}: take a longer step`
    throw badParameters([{ parameter: 'from', detail }])
  }
  return { step, stepS, fromS, belowS }
}

/** The shortest step that is kept so long and has not too many spans. */
function fittingStep(rangeS: number, ageS: number): SeriesStep {
  if (rangeS <= ENOUGH_POINTS * 10 && ageS <= STEPS[0].keptS) return '10s'
  return rangeS <= ENOUGH_POINTS * 60 && ageS <= STEPS[1].keptS ? '1m' : '1h'
}

/** The first second of which something is known and still kept in this step; infinity where there is none. */
async function firstKnown(store: ReadSeriesDeps['store'], stepS: StepS, nowS: number): Promise<number> {
  const keptFromS = nowS - (STEPS.find((each) => each.stepS === stepS)?.keptS ?? 0)
  const firstHourS = await store.firstSpan(3_600)
  if (firstHourS === null) return Number.POSITIVE_INFINITY
  // Where counting began before, a quiet time has no row, and yet it is known that nothing happened.
  if (firstHourS < keptFromS) return keptFromS
  return Math.max(keptFromS, (await store.firstSpan(stepS)) ?? firstHourS)
}

function points(
  { stepS, fromS, belowS }: Range,
  known: { fromS: number; belowS: number },
  rows: SeriesRow[],
  levels: LevelRow[],
): SeriesPoint[] {
  const tallies = new Map<number, Tally>()
  for (const { atS, tally } of rows) tallies.set(atS, sumOf(tallies.get(atS) ?? emptyTally(), tally))
  const heights = new Map<number, { waiting: number; running: number }>()
  for (const { atS, waiting, running } of levels) {
    const before = heights.get(atS) ?? { waiting: 0, running: 0 }
    heights.set(atS, { waiting: before.waiting + waiting, running: before.running + running })
  }
  const nothing = emptyTally()
  return Array.from({ length: (belowS - fromS) / stepS }, (_, n) => {
    const atS = fromS + n * stepS
    const isKnown = atS >= known.fromS && atS < known.belowS
    return point(atS, isKnown ? (tallies.get(atS) ?? nothing) : null, heights.get(atS))
  })
}

function point(
  atS: number,
  tally: Tally | null,
  height: { waiting: number; running: number } | undefined,
): SeriesPoint {
  return {
    t: isoTime(atS * SECOND),
    accepted: tally?.accepted ?? null,
    started: tally?.started ?? null,
    completed: tally?.completed ?? null,
    failed: tally?.failed ?? null,
    cancelled: tally?.cancelled ?? null,
    retried: tally?.retried ?? null,
    wait: tally === null ? null : percentilesOf(tally.wait),
    run: tally === null ? null : percentilesOf(tally.run),
    waiting: height?.waiting ?? null,
    running: height?.running ?? null,
  }
}
