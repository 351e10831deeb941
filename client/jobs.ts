import { plainId } from '../shared/formats/plain-text.ts'
import type { BatchResult, CancelJobsResult, JobList, JobSummaryView, JobView, RedriveResult } from './contracts.ts'
import { eachItem } from './each-item.ts'
import {
  type CancelJobsOptions,
  type ChangeOptions,
  type JobOptions,
  type ListOptions,
  type NewJob,
  type RedriveOptions,
  type StartTime,
  toFilterBody,
  toFilterQuery,
  toJobBody,
  toStartBody,
  toTime,
} from './job-request.ts'
import type { JobTypes } from './job-types.ts'
import { oneCallKey } from './random-id.ts'
import { sendRequest, type Transport } from './request.ts'

export interface RetryOptions extends ChangeOptions, StartTime {
  timeoutMs?: number | undefined
  /** Number of attempts of the new round. */
  attempts?: number | undefined
}

/** @param waitS seconds that the server should wait for the end */
export function createJob<Body>(
  transport: Transport,
  { type, payload }: { type: string; payload: unknown },
  options: JobOptions & ChangeOptions,
  waitS: number,
): Promise<Body> {
  const { idempotencyKey = oneCallKey(), signal } = options
  // The key stands for one body: a restarted process that makes the body again must make the same one.
  const body = toJobBody(type, payload, options, idempotencyKey)
  return sendRequest(transport, { method: 'POST', path: '/v1/jobs', body, waitS, idempotencyKey, signal })
}

export function createBatch<Types extends JobTypes<Types>>(
  transport: Transport,
  jobs: readonly NewJob<Types>[],
  { idempotencyKey = oneCallKey(), atomic, signal }: ChangeOptions & { atomic?: boolean },
): Promise<BatchResult> {
  const body = jobs.map((job, n) => toJobBody(job.type, job.payload, job, `${idempotencyKey}-${n}`))
  const query = { atomic: atomic ? 'true' : undefined }
  return sendRequest(transport, { method: 'POST', path: '/v1/jobs/batch', query, body, idempotencyKey, signal })
}

/** Retries a job. The key tells the server a repeat from another retry. */
export function retryJob(transport: Transport, jobId: string, options: RetryOptions): Promise<JobView> {
  const { timeoutMs, attempts, idempotencyKey, signal } = options
  const body = { timeout_ms: timeoutMs, attempts, ...toStartBody(options) }
  return sendRequest(transport, { method: 'POST', path: `${jobPath(jobId)}/retry`, body, idempotencyKey, signal })
}

export function pageOfJobs(transport: Transport, options: ListOptions): Promise<JobList> {
  const { limit, cursor, signal } = options
  const query = { ...toFilterQuery(options), limit: limit?.toString(), cursor }
  return sendRequest(transport, { method: 'GET', path: '/v1/jobs', query, signal })
}

/** All jobs that match the filter, newest first. */
export function listJobs(transport: Transport, options: ListOptions): AsyncGenerator<JobSummaryView, void, undefined> {
  const readPage = async (cursor: string | undefined) => {
    const page = await pageOfJobs(transport, { ...options, cursor })
    options.onPage?.(page)
    return page
  }
  return eachItem(readPage, options.cursor)
}

export function cancelJobs(transport: Transport, options: CancelJobsOptions): Promise<CancelJobsResult> {
  const { reason, dryRun, limit, cursor, idempotencyKey, signal } = options
  const body = { ...toFilterBody(options), reason, dry_run: dryRun, limit, cursor }
  return sendRequest(transport, { method: 'POST', path: '/v1/cancel', body, idempotencyKey, signal })
}

export function redriveJobs(transport: Transport, options: RedriveOptions): Promise<RedriveResult> {
  const { ratePerS, runAt, dryRun, limit, cursor, idempotencyKey, signal } = options
  const how = { rate_per_s: ratePerS, run_at: toTime(runAt), dry_run: dryRun, limit, cursor }
  const body = { ...toFilterBody(options), ...how }
  return sendRequest(transport, { method: 'POST', path: '/v1/redrive', body, idempotencyKey, signal })
}

export const jobPath = (jobId: string): string => `/v1/jobs/${encodeURIComponent(plainId(jobId))}`
