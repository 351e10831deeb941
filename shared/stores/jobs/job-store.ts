import type { Job, JobPhase, JobSummary } from '#shared/contracts/log/job.ts'
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
   * Writes each record whole where its (generation, seq) is newer than the stored one. When it throws, some or all may
   * be written.
   */
  putNewer(jobs: StoredJob[]): Promise<void>
  /**
   * Newest first, without payloads and results. The cost of a page does not grow with the number of jobs, except that a
   * search by the time of the end passes over jobs of the same filter that ended at other times.
   * @throws TypeError for a tenant that is no name: see tenant-filter.ts
   */
  list(query: JobQuery): Promise<JobSummary[]>
  /**
   * Counts, in no particular order.
   * @param tenant as in JobQuery
   * @throws TypeError for a tenant that is no name
   */
  counts(tenant: string | null): Promise<JobCount[]>
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
