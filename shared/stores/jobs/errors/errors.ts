import type { JobCause } from '#shared/contracts/log/job.ts'
import type { RowVersion } from '../../version.ts'

/** Kinds of errors of a tenant that are told apart; further ones are counted together. */
export const ERRORS_KEPT = 5_000
/** The fingerprint of those further ones. */
export const OTHER_ERRORS = 'other'

export interface ErrorKey {
  /** '' for the errors of all tenants and of none. */
  tenant: string
  fingerprint: string
}

/** What is known of a kind of error. */
export interface ErrorTally {
  type: string
  name: string
  code: string | null
  /** The message without what differs from job to job. */
  message: string
  /** Attempts and jobs that ended with it. */
  count: number
  /** ISO times. */
  firstAt: string
  lastAt: string
  /** The job that had it last. */
  sampleJobId: string
  /** How often in each of the last 24 hours that had it, by their beginning, seconds since 1970. */
  hours: Record<string, number>
}

/** What a batch of the log adds to a kind of error. */
export interface ErrorChange extends ErrorKey {
  firstSeq: number
  lastSeq: number
  tally: ErrorTally
}

/** A kind of error: the fold of its occurrences up to `seq`, guarded by its version as a job is. */
export interface ErrorRow extends ErrorKey, RowVersion {
  tally: ErrorTally
}

/** A kind of error, with how many jobs have failed with it and are still failed; null: nobody counts it. */
export interface FoundError extends ErrorRow {
  failedNow: number | null
}

export interface ErrorsQuery {
  /** A name: only that tenant's. null: those of every tenant and of none. */
  tenant: string | null
  type: string | null
  /** Only those last seen at this ISO time or later, and first seen before the other. */
  lastFrom: string
  firstBelow: string
  /** Only those after this place, as they are sorted; null: from the first. */
  after: { lastAt: string; fingerprint: string } | null
  limit: number
}

/** One occurrence. */
export interface ErrorOccurrence {
  seq: number
  at: string
  atMs: number
  type: string
  tenant: string
  jobId: string
  error: JobCause
}
