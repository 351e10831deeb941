import mongoose, { type Connection } from 'mongoose'
import { connect, updatesPerCommand } from '../../mongo/connect.ts'
import { findByIds } from '../../mongo/find-by-ids.ts'
import { putNewer } from '../../mongo/put-newer.ts'
import { fromRow } from '../job-row.ts'
import type { ActiveQuery, JobStore, StoredJob } from '../job-store.ts'
import { readCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { countErrors, deleteErrors, listErrors } from './errors.ts'
import { countFound, countJobs, listJobs, searchJobs } from './list-jobs.ts'
import { type Models, makeModels, toDocument } from './models.ts'
import { countOccurrences, deleteOldSpans, firstSpan, putLevels, readLevels, readSeries } from './series.ts'

const { trusted } = mongoose

/**
 * Opens the database in the URL. Only operators that MongoDB 6 to 8 and FerretDB 1.24 share are used: no TTL or partial
 * index, pipeline update, transaction or change stream. Rejects after 5 s when no server answers.
 */
export async function openMongoStore(url: string): Promise<JobStore> {
  const connection = await connect(url)
  const models = makeModels(connection)
  const { jobs, checkpoints } = models
  const perCommand = await setUp(connection, models)
  return {
    get: async (jobId) => {
      const document = await jobs.findById(jobId, FIELDS).lean()
      return document === null ? null : fromRow(document)
    },
    getMany: (jobIds) => getMany(models.jobCollection, jobIds),
    putNewer: async (writes, occurrences) => {
      await putNewer(models.jobVersions, writes.map(toDocument), perCommand)
      if (occurrences === undefined) return
      await countOccurrences(models, occurrences, perCommand)
      await countErrors(models, occurrences, perCommand)
    },
    list: (query) => listJobs(jobs, query),
    search: (query, match) => searchJobs(jobs, query, match),
    count: (query) => countFound(jobs, query),
    counts: (tenant) => countJobs(models.jobCollection, tenant),
    series: (query) => readSeries(models, query),
    putLevels: (levels) => putLevels(models, levels),
    levels: (query) => readLevels(models, query),
    firstSpan: (stepS) => firstSpan(models, stepS),
    deleteOldSpans: (nowMs) => deleteOldSpans(models, nowMs),
    errors: (query) => listErrors(models, query),
    deleteErrorsBefore: (lastBefore) => deleteErrors(models, lastBefore),
    listActive: (query) => listActive(jobs, query),
    deleteEndedBefore: (endedBefore, limit) => deleteEndedBefore(jobs, endedBefore, limit),
    readCheckpoint: () => readCheckpoint(checkpoints),
    saveCheckpoint: (next, expectedRevision) => saveCheckpoint(models, next, expectedRevision),
    ping: async () => {
      await jobs.exists({ _id: '' })
    },
    close: () => connection.close(),
  }
}

/** @returns the number of updates that a command may hold */
async function setUp(connection: Connection, { jobs, spans, levels, errors }: Models): Promise<number> {
  try {
    await jobs.createIndexes()
    await spans.createIndex({ step_s: 1, tenant: 1, at_s: 1 })
    await spans.createIndex({ step_s: 1, at_s: 1 })
    await errors.createIndex({ tenant: 1, last_at: -1, fingerprint: -1 })
    await levels.createIndex({ step_s: 1, at_s: 1 })
    return await updatesPerCommand(connection)
  } catch (error) {
    await connection.close(true)
    throw error
  }
}

const FIELDS = { _id: 0, generation: 1, record: 1, payload: 1, result: 1 } as const

async function getMany(jobs: Models['jobCollection'], jobIds: string[]): Promise<Map<string, StoredJob>> {
  const documents = await findByIds(jobs, jobIds, ['generation', 'record', 'payload', 'result'])
  return new Map(documents.map((document) => [document._id, fromRow(document)]))
}

async function listActive(jobs: Models['jobs'], query: ActiveQuery): Promise<StoredJob[]> {
  const documents = await jobs
    .find(
      {
        ended_at: '',
        _id: trusted({ $gt: query.afterId }),
        phase: trusted({ $in: query.phases }),
        updated_at: trusted({ $lt: query.updatedBefore }),
      },
      FIELDS,
    )
    .sort({ _id: 1 })
    .limit(query.limit)
    .lean()
  return documents.map(fromRow)
}

async function deleteEndedBefore(jobs: Models['jobs'], endedBefore: string, limit: number): Promise<number> {
  const ended = trusted({ $gt: '', $lt: endedBefore })
  const documents = await jobs.find({ ended_at: ended }, { _id: 1 }).sort({ ended_at: 1 }).limit(limit).lean()
  if (documents.length === 0) return 0
  const ids = documents.map(({ _id }) => _id)
  // The time is compared again: an operator may have retried one of them in between.
  const { deletedCount } = await jobs.deleteMany({ _id: trusted({ $in: ids }), ended_at: ended })
  return deletedCount
}
