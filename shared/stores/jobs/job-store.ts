import type { Job, JobPhase, JobSummary } from '#shared/contracts/log/job.ts'
import type { ErrorsQuery, FoundError } from './errors/errors.ts'
import type { JobMatch } from './match.ts'
import type { LevelRow, Occurrences, SeriesQuery, SeriesRow, StepS } from './series/series.ts'
import type { StoredStatus } from './stored-status.ts'

/** A job as stored: its fold and the generation of the projection that wrote it. (generation, job.seq) is its version. */
export interface StoredJob {
  generation: number
  job: Job
}

/** The position of the projection, and its owner. There is one record in each store. */
export interface Checkpoint {
  /** Grows with every save; the compare-and-set of `saveCheckpoint`. */
  revision: number
  /** Grows with every rebuild; documents of an older generation lose against it. */
  generation: number
  /** Stream sequence up to which everything is applied. */
  seq: number
  /** While `seq` is below this, documents may lag behind what callers have already seen: read the log instead. */
  rebuild_until: number
  /**
   * The first generation of this log: sequences in documents of older generations belong to another log, and mean
   * nothing here.
   */
  log_generation: number
  /** When the stream was created, as the broker says: another value means another log. */
  stream_created: string
  /**
   * ISO time by the broker's clock: everything that the log had at this time is applied. Absent before the first event,
   * and in checkpoints of older versions.
   */
  as_of?: string
  /**
   * ISO time of the first event that this generation has read: whatever happened later is in its log. '' before the
   * first event; absent in checkpoints of older versions, as the next member is.
   */
  log_from?: string
  /** The version of what the fold writes: an owner that writes more begins anew. */
  fold_version?: number
  /** Id of the keeper replica that applies the log, trims and sweeps. */
  owner: string
  /** Changes while the owner lives; a replica that sees it stand still takes over. */
  beat: number
}

export interface ActiveQuery {
  phases: JobPhase[]
  /** ISO time: only jobs whose last event is older. */
  updatedBefore: string
  /** Only ids after this one, for paging in id order; '' from the start. */
  afterId: string
  limit: number
}

/** Sorts after every job id: the `belowId` of a search without an upper bound. */
export const AFTER_EVERY_ID = '~'

/** Sorts after every ISO time: the `endedBelow` of a search without an upper bound. */
export const AFTER_EVERY_TIME = '~'

/** A search; null means any value. Ids begin with the time of creation, so `makeJobId(ms, '')` bounds a time. */
export interface JobQuery {
  statuses: StoredStatus[] | null
  type: string | null
  objectId: string | null
  /** A name: only that tenant's jobs. null: jobs of every tenant and of none. */
  tenant: string | null
  tag: string | null
  /** The fingerprint of the error that a job has now. */
  error: string | null
  /** Only jobs that ended at this ISO time or later; '' also those that have not ended. */
  endedFrom: string
  /** Only jobs that ended before this ISO time, or have not ended; AFTER_EVERY_TIME: any. */
  endedBelow: string
  /** Only this id and later ones; '' from the first. */
  fromId: string
  /** Only ids before this one. */
  belowId: string
  limit: number
}

/** A part of a search through jobs that no index finds. */
export interface SearchPart {
  jobs: JobSummary[]
  /** The last job that was looked at; null: there are no more. */
  lastId: string | null
}

/** How many jobs of a type have a status; never 0. */
export interface JobCount {
  type: string
  status: StoredStatus
  count: number
}

/**
 * The read store, of plain records without a trace of connections or sessions. Every adapter passes `testJobStore` in
 * conformance.ts. Adapters throw their driver's errors; callers treat any error as "store away".
 */
export interface JobStore {
  get(jobId: string): Promise<StoredJob | null>
  /** Missing ids are missing from the map. */
  getMany(jobIds: string[]): Promise<Map<string, StoredJob>>
  /**
   * Writes each record whole where its (generation, seq) is newer than the stored one, and counts the occurrences that
   * their rows do not have. When it throws, some or all may be written.
   */
  putNewer(jobs: StoredJob[], occurrences?: Occurrences): Promise<void>
  /**
   * Newest first, without payloads and results. The cost of a page does not grow with the number of jobs, except that a
   * search by the time of the end passes over jobs of the same filter that ended at other times.
   * @throws TypeError for a tenant that is no name: see tenant-filter.ts
   */
  list(query: JobQuery): Promise<JobSummary[]>
  /**
   * Looks at as many jobs as `list` would find, newest first, for those that match. The cost grows with the limit alone.
   * @throws TypeError for a tenant that is no name
   */
  search(query: JobQuery, match: JobMatch): Promise<SearchPart>
  /**
   * How many jobs `list` would find without a limit, or the limit if there are more.
   * @throws TypeError for a tenant that is no name
   */
  count(query: JobQuery): Promise<number>
  /**
   * Counts, in no particular order.
   * @param tenant as in JobQuery
   * @throws TypeError for a tenant that is no name
   */
  counts(tenant: string | null): Promise<JobCount[]>
  /**
   * Counts by span and type, in no particular order.
   * @throws TypeError for a tenant that is no name
   */
  series(query: SeriesQuery): Promise<SeriesRow[]>
  /**
   * Kinds of errors, last seen first.
   * @throws TypeError for a tenant that is no name
   */
  errors(query: ErrorsQuery): Promise<FoundError[]>
  /** Deletes the kinds of errors that were last seen before an ISO time, and that no job has. */
  deleteErrorsBefore(lastBefore: string): Promise<void>
  /** Stores how many jobs wait and run, where a span has no higher number yet. */
  putLevels(levels: LevelRow[]): Promise<void>
  levels(query: Omit<SeriesQuery, 'tenant'>): Promise<LevelRow[]>
  /** The beginning of the first span of this length of which anything is kept, in seconds; null: nothing is. */
  firstSpan(stepS: StepS): Promise<number | null>
  /** Deletes the spans that are older than they are kept. */
  deleteOldSpans(nowMs: number): Promise<void>
  /** Jobs in the given phases, in which they have not ended, in the order of their ids. */
  listActive(query: ActiveQuery): Promise<StoredJob[]>
  /** Deletes up to `limit` jobs that ended before the time. @returns how many */
  deleteEndedBefore(endedBefore: string, limit: number): Promise<number>
  readCheckpoint(): Promise<Checkpoint | null>
  /** Stores `next` if the stored revision is still `expectedRevision` (0: there is none). @returns whether it did */
  saveCheckpoint(next: Checkpoint, expectedRevision: number): Promise<boolean>
  /** Throws when the store cannot answer. */
  ping(): Promise<void>
  close(): Promise<void>
}
