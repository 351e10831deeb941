import type { RowVersion } from '../../version.ts'
import type { ErrorChange } from '../errors/errors.ts'
import type { Histogram } from './histogram.ts'

/** What is counted of jobs. */
export const COUNTERS = ['accepted', 'started', 'completed', 'failed', 'cancelled', 'retried'] as const
export type Counter = (typeof COUNTERS)[number]

/** Something that is counted, as an event of the log tells it. */
export interface Occurrence {
  /** Sequence of the event. */
  seq: number
  /** When it happened, milliseconds since 1970. */
  atMs: number
  type: string
  /** '' where the job belongs to no tenant. */
  tenant: string
  counter: Counter
  /** On `started`: from the time when the job could start. Absent where the log does not tell. */
  waitMs?: number | undefined
  /** On the end of an attempt: its duration. */
  runMs?: number | undefined
}

/** Lengths of the spans in which jobs are counted, seconds, and how long the counts are kept. */
export const STEPS = [
  { stepS: 10, keptS: 2 * 3_600 },
  { stepS: 60, keptS: 3 * 24 * 3_600 },
  { stepS: 3_600, keptS: 90 * 24 * 3_600 },
] as const
export type StepS = (typeof STEPS)[number]['stepS']

/** The counts of one span. */
export interface Tally extends Record<Counter, number> {
  /** Milliseconds from the time when a job could start to its start. */
  wait: Histogram
  /** Milliseconds that attempts took. */
  run: Histogram
}

export interface SpanKey {
  stepS: StepS
  /** Beginning of the span, seconds since 1970. */
  atS: number
  /** '' for the jobs of all tenants and of none. */
  tenant: string
  type: string
}

/** What a batch of the log adds to one row. */
export interface SpanChange extends SpanKey {
  firstSeq: number
  lastSeq: number
  tally: Tally
}

/** What a batch of the log adds to the counts, and which log it is. */
export interface Occurrences {
  /** The generation that is written, and the first one whose sequences belong to this log. */
  generation: number
  logGeneration: number
  /** When the first event was stored that this generation has read: spans that begin later are whole in its log. */
  logFromMs: number
  changes: Changes
  /** What the events after a sequence add: a row may have some of the batch, which is seldom. */
  changesAfter: (seq: number) => Changes
}

export interface Changes {
  spans: SpanChange[]
  errors: ErrorChange[]
}

/**
 * The counts of one type in one span: the fold of the occurrences up to `seq`. Its version guards it as a job's does, so
 * that a batch that is applied again counts once.
 */
export interface SeriesRow extends SpanKey, RowVersion {
  tally: Tally
}

export interface SeriesQuery {
  stepS: StepS
  /** A name: only that tenant's jobs. null: jobs of every tenant and of none. */
  tenant: string | null
  /** null: each type. */
  type: string | null
  /** Only spans that begin at this second or later, and before the other. */
  fromS: number
  belowS: number
}

/** The most jobs of a type that waited and ran at a look into the lanes in one span. */
export interface LevelRow {
  stepS: StepS
  atS: number
  type: string
  waiting: number
  running: number
}

export const emptyTally = (): Tally => ({
  accepted: 0,
  started: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  wait: {},
  run: {},
})
