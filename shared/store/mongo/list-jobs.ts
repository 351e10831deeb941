import mongoose from 'mongoose'
import { JOB_STATUSES, type JobSummary } from '#shared/contracts/job.ts'
import { toSummary } from '../job-row.ts'
import type { JobCount, JobQuery } from '../port.ts'
import { type Models, SEARCH_INDEXES } from './models.ts'

const { trusted } = mongoose

export async function listJobs(jobs: Models['jobs'], query: JobQuery): Promise<JobSummary[]> {
  const { statuses, type, objectId, fromId, belowId, limit } = query
  const filter = {
    _id: trusted({ $gte: fromId, $lt: belowId }),
    // All statuses, too: with each of them given the index yields ids in order, one range a status.
    status: trusted({ $in: statuses ?? [...JOB_STATUSES] }),
    ...(type === null ? {} : { type }),
    ...(objectId === null ? {} : { object_id: objectId }),
  }
  const documents = await jobs
    .find(filter, { _id: 0, record: 1 }, { batchSize: limit })
    .sort({ _id: -1 })
    .limit(limit)
    .hint(indexFor(query))
    .lean()
  return documents.map(toSummary)
}

function indexFor({ type, objectId }: JobQuery): Record<string, 1 | -1> {
  if (objectId !== null) return SEARCH_INDEXES.byObject
  return type === null ? SEARCH_INDEXES.byStatus : SEARCH_INDEXES.byType
}

/** Reads an index and no document: both fields are in it. */
export async function countJobs(jobs: Models['jobCollection']): Promise<JobCount[]> {
  const groups = jobs.aggregate<{ _id: Omit<JobCount, 'count'>; count: number }>(
    [{ $match: { type: { $gt: '' } } }, { $group: { _id: { type: '$type', status: '$status' }, count: { $sum: 1 } } }],
    { hint: SEARCH_INDEXES.byType },
  )
  return (await groups.toArray()).map(({ _id, count }) => ({ ..._id, count }))
}
