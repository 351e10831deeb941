import mongoose from 'mongoose'
import type { JobSummary } from '#shared/contracts/log/job.ts'
import { checkTenant } from '../../tenant-filter.ts'
import { toSummary } from '../job-row.ts'
import { AFTER_EVERY_TIME, type JobCount, type JobQuery } from '../job-store.ts'
import { STORED_STATUSES } from '../stored-status.ts'
import { type Models, SEARCH_INDEXES } from './models.ts'

const { trusted } = mongoose

export async function listJobs(jobs: Models['jobs'], query: JobQuery): Promise<JobSummary[]> {
  const { statuses, type, objectId, tenant, tag, fromId, belowId, endedFrom, endedBelow, limit } = query
  checkTenant(tenant)
  const filter = {
    _id: trusted({ $gte: fromId, $lt: belowId }),
    // Also for all statuses: when each is given, the index yields ids in order, one range for each status.
    status: trusted({ $in: statuses ?? [...STORED_STATUSES] }),
    ...(type === null ? {} : { type }),
    ...(objectId === null ? {} : { object_id: objectId }),
    ...(tenant === null ? {} : { tenant }),
    ...(tag === null ? {} : { tags: tag }),
    ...(endedFrom === '' && endedBelow === AFTER_EVERY_TIME
      ? {}
      : { ended_at: trusted({ $gte: endedFrom, $lt: endedBelow }) }),
  }
  const documents = await jobs
    .find(filter, { _id: 0, record: 1 }, { batchSize: limit })
    .sort({ _id: -1 })
    .limit(limit)
    .hint(indexFor(query))
    .lean()
  return documents.map(toSummary)
}

function indexFor({ type, objectId, tenant, tag }: JobQuery): Record<string, 1 | -1> {
  if (objectId !== null) return SEARCH_INDEXES.byObject
  if (tag !== null) return SEARCH_INDEXES.byTag
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
