import type { JobList, JobSummaryView, JobView } from './contracts.ts'
import type { PayloadOf, TypeName } from './job-types.ts'

/** Options of every method. */
export interface CallOptions {
  signal?: AbortSignal | undefined
}

/** Options of every method that changes something. */
export interface ChangeOptions extends CallOptions {
  /** The same key and request within 24 hours mean the same change; without a key each call gets its own. */
  idempotencyKey?: string | undefined
}

/** The start of a job; give at most one of the two. */
export interface StartTime {
  /** Milliseconds from now. */
  delayMs?: number | undefined
  /** A Date, or RFC 3339. */
  runAt?: Date | string | undefined
}

export interface JobOptions extends StartTime {
  /**
   * What the job is about; defaults to the Idempotency-Key. Where the type has a cooldown, the same one is refused for so
   * long (5 minutes).
   */
  objectId?: string | undefined
  priority?: JobView['priority'] | undefined
  /** Words to find the job by, as in `customer:42`: 16 at most. */
  tags?: string[] | undefined
  /** Milliseconds that an attempt may take. */
  timeoutMs?: number | undefined
  /** Number of attempts, the first one included. */
  attempts?: number | undefined
  /** Omitted members default to the type's. */
  backoff?:
    | {
        kind?: 'fixed' | 'exponential' | undefined
        baseMs?: number | undefined
        maxMs?: number | undefined
        jitter?: number | undefined
      }
    | undefined
  /** Address that gets a signed webhook when the job ends. */
  callbackUrl?: string | undefined
}

/** One job of a batch. */
export type NewJob<Types, Type extends TypeName<Types> = TypeName<Types>> = {
  [Name in Type]: { type: Name; payload: PayloadOf<Types, Name> } & JobOptions
}[Type]

/** A filter of jobs: a job must match all given members. */
export interface JobFilter {
  /** `timeout`: those of the failed and cancelled jobs that a timeout ended. */
  status?: (JobSummaryView['status'] | 'timeout')[] | undefined
  type?: string | undefined
  objectId?: string | undefined
  tag?: string | undefined
  /** The fingerprint of the error that a job has now. */
  error?: string | undefined
  /** Only this tenant's jobs; for tokens that are bound to none. */
  tenant?: string | undefined
  /** Only jobs of which an attempt ran on this worker. */
  worker?: string | undefined
  idPrefix?: string | undefined
  /** Only jobs that had at least so many attempts. */
  attemptsMin?: number | undefined
  /** Only jobs whose payload has this value at each JSON pointer, as in `{'/customer/id': 42}`. */
  payload?: Record<string, string | number | boolean | null> | undefined
  /** Only jobs created at this time or later. */
  createdAfter?: Date | string | undefined
  /** Only jobs created before this time. */
  createdBefore?: Date | string | undefined
  /** Only jobs that ended at this time or later. */
  endedAfter?: Date | string | undefined
  /** Only jobs that ended before this time. */
  endedBefore?: Date | string | undefined
}

export interface ListOptions extends JobFilter, CallOptions {
  /** Jobs per page, 1 to 200; 50 by default. */
  limit?: number | undefined
  /** `next_cursor` of the previous page. */
  cursor?: string | undefined
  /** Gets each page as it comes, which says how old it is: `as_of`, `lag_ms`. */
  onPage?: ((page: JobList) => void) | undefined
}

/** At least one of the filters beside `status` must be given. */
export interface CancelJobsOptions extends Omit<JobFilter, 'status' | 'endedAfter' | 'endedBefore'>, ChangeOptions {
  /** Both by default: all jobs that have not ended. */
  status?: ('scheduled' | 'processing')[] | undefined
  /** The reason to record with each job. */
  reason?: string | undefined
  /** Only reports the matching jobs. */
  dryRun?: boolean | undefined
  /** Jobs per request, 1 to 5,000; 1,000 by default. */
  limit?: number | undefined
  cursor?: string | undefined
}

export interface RedriveOptions extends Omit<JobFilter, 'status'>, ChangeOptions {
  status?: ('failed' | 'cancelled' | 'timeout')[] | undefined
  /** Jobs started per second; all at once by default. */
  ratePerS?: number | undefined
  runAt?: Date | string | undefined
  /** Only reports the matching jobs. */
  dryRun?: boolean | undefined
  /** Jobs per request, 1 to 5,000; 1,000 by default. */
  limit?: number | undefined
  cursor?: string | undefined
}

export const toStartBody = ({ delayMs, runAt }: StartTime) => ({ delay_ms: delayMs, run_at: toTime(runAt) })

/** @param objectId used where the job has none of its own */
export const toJobBody = (type: string, payload: unknown, options: JobOptions, objectId: string) => ({
  object_id: options.objectId ?? objectId,
  type,
  payload,
  priority: options.priority,
  tags: options.tags,
  timeout_ms: options.timeoutMs,
  attempts: options.attempts,
  backoff: options.backoff && {
    kind: options.backoff.kind,
    base_ms: options.backoff.baseMs,
    max_ms: options.backoff.maxMs,
    jitter: options.backoff.jitter,
  },
  callback_url: options.callbackUrl,
  ...toStartBody(options),
})

export const toFilterBody = (filter: JobFilter) => ({
  status: filter.status,
  type: filter.type,
  object_id: filter.objectId,
  tag: filter.tag,
  error: filter.error,
  tenant: filter.tenant,
  worker: filter.worker,
  id_prefix: filter.idPrefix,
  attempts_min: filter.attemptsMin,
  payload: filter.payload,
  created_after: toTime(filter.createdAfter),
  created_before: toTime(filter.createdBefore),
  ended_after: toTime(filter.endedAfter),
  ended_before: toTime(filter.endedBefore),
})

/** The filter as parameters of an address. */
export function toFilterQuery(filter: JobFilter): Record<string, string | undefined> {
  const { status, payload = {}, attempts_min: attemptsMin, ...rest } = toFilterBody(filter)
  const conditions = Object.entries(payload).map(([pointer, value]) => [`payload${pointer}`, String(value)] as const)
  return {
    ...rest,
    status: status?.join(','),
    attempts_min: attemptsMin?.toString(),
    ...Object.fromEntries(conditions),
  }
}

export const toTime = (time: Date | string | undefined): string | undefined =>
  time instanceof Date ? time.toISOString() : time
