import type { KeyClaim } from '#shared/accept/idempotency-keys.ts'
import { cannotStore } from '#shared/bus/write-probe.ts'
import type { BatchItem, BatchResult } from '#shared/contracts/http/job-batch.ts'
import type { JobAccepted } from '#shared/contracts/http/jobs.ts'
import { AppError, problemOf } from '#shared/errors/app-error.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { derivedJobId } from '#shared/ids/ids.ts'
import {
  type CreateJobDeps,
  type CreateJobRequest,
  createJob,
  type PreparedJob,
  prepareJob,
  recordCreated,
} from './create-job.ts'
import type { BatchEntry } from './read-batch.ts'
import { SendSpans } from './send-span.ts'

export interface CreateBatchRequest extends RequestInfo {
  entries: BatchEntry[]
  idempotencyKey: string | null
}

/** Number of publishes under way for one batch: requests of others get their turn in between. */
const AT_ONCE = 200
const ERRORS_SHOWN = 20

/**
 * Creates each job as if it had come alone: the answer tells the outcome of each.
 * @throws AppError `key-reused`, `unavailable`
 */
export async function createEach(deps: CreateJobDeps, request: CreateBatchRequest): Promise<BatchResult> {
  const items: BatchItem[] = []
  const claim = await claimByKey(deps, request)
  for (let start = 0; start < request.entries.length; start += AT_ONCE) {
    const slice = request.entries.slice(start, start + AT_ONCE)
    items.push(...(await Promise.all(slice.map((entry, n) => createOne(deps, request, claim, entry, start + n)))))
  }
  const failed = items.filter(({ error }) => error !== undefined).length
  return { accepted: items.length - failed, failed, items }
}

async function createOne(
  deps: CreateJobDeps,
  request: CreateBatchRequest,
  claim: KeyClaim | null,
  entry: BatchEntry,
  index: number,
): Promise<BatchItem> {
  if (entry instanceof AppError) return failedItem(entry, index)
  try {
    const { accepted } = await createJob(deps, requestOf(request, claim, entry, index))
    return { index, status: 201, job: accepted }
  } catch (error) {
    if (error instanceof AppError) return failedItem(error, index)
    // Other jobs may have been created: their answers must not be lost with this one.
    deps.log.error({ err: error, request_id: request.requestId, index }, 'could not create a job of a batch')
    return failedItem(new AppError('internal', 'The failure was logged under this request_id.'), index)
  }
}

/**
 * Creates all of the jobs or none, as one atomic batch of the broker.
 * @throws AppError `batch-refused` with the faults of each refused job; `cooldown` when an object_id was used recently,
 * by this batch or before; `key-reused`, `payload-too-large`, `unavailable`
 */
export async function createAll(deps: CreateJobDeps, request: CreateBatchRequest): Promise<BatchResult> {
  const spans = deps.tracing === null ? null : new SendSpans(deps.tracing)
  try {
    const accepted = await createTogether(deps, request, spans)
    spans?.stored(accepted.map(({ job_id }) => job_id))
    const items = accepted.map((job, index) => ({ index, status: 201, job }))
    return { accepted: items.length, failed: 0, items }
  } catch (error) {
    spans?.refused(error)
    throw error
  }
}

async function createTogether(
  deps: CreateJobDeps,
  request: CreateBatchRequest,
  spans: SendSpans | null,
): Promise<JobAccepted[]> {
  const claim = (await claimByKey(deps, request)) ?? (await claimByProxy(deps, request))
  const prepared = await prepareAll(deps, request, claim, spans)
  // In a repeat, either all of the jobs exist or none.
  const alreadyCreated = prepared.every((job) => job.alreadyCreated)
  if (!alreadyCreated) await publishAll(deps, prepared, claim)
  return prepared.map(({ accepted }) => accepted)
}

async function prepareAll(
  deps: CreateJobDeps,
  request: CreateBatchRequest,
  claim: KeyClaim | null,
  spans: SendSpans | null,
): Promise<PreparedJob[]> {
  const prepared: PreparedJob[] = []
  const failed: BatchItem[] = []
  const ids = new Set<string | undefined>()
  for (let start = 0; start < request.entries.length && failed.length < ERRORS_SHOWN; start += AT_ONCE) {
    const slice = request.entries.slice(start, start + AT_ONCE)
    const prepare = async (entry: BatchEntry, n: number) => {
      if (entry instanceof AppError) return entry
      const one = requestOf(request, claim, entry, start + n)
      return prepareOne(deps, spans?.within(one) ?? one)
    }
    const results = await Promise.all(slice.map(prepare))
    for (const [n, result] of results.entries()) {
      const isTwice = !(result instanceof AppError) && ids.has(result.publication.msgId)
      const refusal = isTwice
        ? new AppError('cooldown', 'Another job of this batch has the same type and object_id.')
        : result
      if (refusal instanceof AppError) failed.push(failedItem(refusal, start + n))
      else {
        ids.add(refusal.publication.msgId)
        prepared.push(refusal)
      }
    }
  }
  const [first] = failed
  if (first === undefined) return prepared
  throw new AppError('batch-refused', `Job ${first.index}: ${first.error?.detail ?? ''}`, {
    members: { items: failed.slice(0, ERRORS_SHOWN) },
  })
}

/** @returns the error of a job that is at fault itself; throws any other error */
async function prepareOne(deps: CreateJobDeps, request: CreateJobRequest): Promise<PreparedJob | AppError> {
  try {
    return await prepareJob(deps, request)
  } catch (error) {
    if (error instanceof AppError && error.status < 500) return error
    throw error
  }
}

async function publishAll(deps: CreateJobDeps, prepared: PreparedJob[], claim: KeyClaim | null): Promise<void> {
  const result = await deps.publisher.publishBatch(prepared.map(({ publication }) => publication))
  if (result.kind === 'stored') {
    for (const { event } of prepared) recordCreated(deps, event)
    return
  }
  if (result.why === 'too-large') {
    throw new AppError(
      'payload-too-large',
      'The broker does not accept an atomic batch of this size. Send fewer jobs at once.',
    )
  }
  if (result.why === 'full') throw cannotStore('the broker has no room for this batch')
  // Another request of the same claim was faster.
  if (claim !== null && (await allExist(deps, prepared))) return
  throw new AppError(
    'cooldown',
    'At least one object_id of this batch was used too recently by a job of its type, so no job was accepted.',
  )
}

async function allExist(deps: CreateJobDeps, prepared: PreparedJob[]): Promise<boolean> {
  for (let start = 0; start < prepared.length; start += AT_ONCE) {
    const slice = prepared.slice(start, start + AT_ONCE)
    const exist = await Promise.all(slice.map(({ accepted }) => deps.jobExists(accepted.job_id)))
    if (exist.includes(false)) return false
  }
  return true
}

/** One claim for the whole batch: the ids of its jobs are derived from it. */
async function claimByKey(deps: CreateJobDeps, request: CreateBatchRequest): Promise<KeyClaim | null> {
  const { caller, entries, idempotencyKey: key } = request
  if (key === null) return null
  const bodies = entries.map((entry) => (entry instanceof AppError ? null : entry))
  return deps.keys.claim({ tenant: caller.tenant, space: 'batches', key }, bodies)
}

/**
 * A claim under the proxy's request id: nginx asks another api when one dies, and an atomic batch cannot be recognised
 * job by job.
 */
async function claimByProxy(deps: CreateJobDeps, request: CreateBatchRequest): Promise<KeyClaim | null> {
  const { caller, requestId, requestIdTrusted } = request
  if (!requestIdTrusted) return null
  return deps.keys.claim({ tenant: caller.tenant, space: 'proxied-batches', key: requestId }, null)
}

const requestOf = (
  { requestId, requestIdTrusted, traceparent, caller }: CreateBatchRequest,
  claim: KeyClaim | null,
  body: CreateJobRequest['body'],
  index: number,
): CreateJobRequest => ({
  requestId: `${requestId}:${index}`,
  requestIdTrusted,
  traceparent,
  caller,
  body,
  idempotencyKey: null,
  ...(claim === null ? {} : { claim: { ...claim, jobId: derivedJobId(claim.createdAtMs, claim.jobId, index) } }),
  isAtRoot: false,
})

const failedItem = (error: AppError, index: number): BatchItem => ({
  index,
  status: error.status,
  error: problemOf(error, undefined),
})
