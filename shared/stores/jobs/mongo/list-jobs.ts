import mongoose from 'mongoose'
import type { JobSummary } from '#shared/contracts/log/job.ts'
import { checkTenant } from '../../tenant-filter.ts'
import { toSummary } from '../job-row.ts'
import { AFTER_EVERY_TIME, type JobCount, type JobQuery, type SearchPart } from '../job-store.ts'
import { isMatch, type JobMatch, needlesOf } from '../match.ts'
import { STORED_STATUSES } from '../stored-status.ts'
import { type Models, SEARCH_INDEXES } from './models.ts'

const { trusted } = mongoose

export async function listJobs(jobs: Models['jobs'], query: JobQuery): Promise<JobSummary[]> {
  const documents = await jobs.find(filterOf(query), { _id: 0, record: 1 }, pageOf(query)).lean()
  return documents.map(toSummary)
}

export async function searchJobs(jobs: Models['jobs'], query: JobQuery, match: JobMatch): Promise<SearchPart> {
  const documents = await jobs.find(filterOf(query), { _id: 1, record: 1, payload: 1 }, pageOf(query)).lean()
  const { record, payload } = needlesOf(match)
  const likely = documents.filter(
    (each) => (record === null || each.record.includes(record)) && (payload === null || each.payload.includes(payload)),
  )
  const found = likely
    .map((each) => ({ job: toSummary(each), payload: each.payload }))
    .filter((each) => isMatch(each.job, each.payload, match))
  return {
    jobs: found.map(({ job }) => job),
    lastId: documents.length < query.limit ? null : (documents.at(-1)?._id ?? null),
  }
}

export async function countFound(jobs: Models['jobs'], query: JobQuery): Promise<number> {
  return jobs.countDocuments(filterOf(query), { limit: query.limit, hint: indexFor(query) })
}

const pageOf = (query: JobQuery) => ({
  sort: { _id: -1 } as const,
  limit: query.limit,
  hint: indexFor(query),
  batchSize: query.limit,
})

function filterOf(query: JobQuery) {
  const { statuses, type, objectId, tenant, tag, error, fromId, belowId, endedFrom, endedBelow } = query
  checkTenant(tenant)
  return {
    _id: trusted({ $gte: fromId, $lt: belowId }),
    // Also for all statuses: when each is given, the index yields ids in order, one range for each status.
    status: trusted({ $in: statuses ?? [...STORED_STATUSES] }),
    ...(type === null ? {} : { type }),
    ...(objectId === null ? {} : { object_id: objectId }),
    ...(tenant === null ? {} : { tenant }),
    ...(tag === null ? {} : { tags: tag }),
    ...(error === null ? {} : { error }),
    ...(endedFrom === '' && endedBelow === AFTER_EVERY_TIME
      ? {}
      : { ended_at: trusted({ $gte: endedFrom, $lt: endedBelow }) }),
  }
}

function indexFor({ type, objectId, tenant, tag, error }: JobQuery): Record<string, 1 | -1> {
  if (objectId !== null) return SEARCH_INDEXES.byObject
  if (tag !== null) return SEARCH_INDEXES.byTag
  if (error !== null) return SEARCH_INDEXES.byError
  if (tenant !== null) return type === null ? SEARCH_INDEXES.byTenant : SEARCH_INDEXES.byTenantAndType
  return type === null ? SEARCH_INDEXES.byStatus : SEARCH_INDEXES.byType
}

/** Counts from an index, which has all fields, without reading a document. */
export async function countJobs(jobs: Models['jobCollection'], tenant: string | null): Promise<JobCount[]> {
  checkTenant(tenant)
  const match = tenant === null ? { type: { $gt: '' } } : { tenant }
  const groups = jobs.aggregate<{ _id: Omit<JobCount, 'count'>; count: number }>(
    [{ $match: match }, { $group: { _id: { type: '$type', status: '$status' }, count: { $sum: 1 } } }],
    { hint: tenant === null ? SEARCH_INDEXES.byType : SEARCH_INDEXES.byTenantAndType },
  )
  return (await groups.toArray()).map(({ _id, count }) => ({ ..._id, count }))
}
