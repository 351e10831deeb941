import mongoose from 'mongoose'
import { isNewer, toRow } from '../job-row.ts'
import type { StoredJob } from '../port.ts'
import type { JobDocument, Models } from './models.ts'

const DUPLICATE_KEY = 11_000

type AnyBulkWriteOperation<T extends mongoose.mongo.Document> = mongoose.mongo.AnyBulkWriteOperation<T>

type JobCollection = Models['jobCollection']

/**
 * One guarded upsert per job, or an insert where it is most likely new. Where the guard does not match, the upsert tries to insert and meets "duplicate key":
 * either what is stored is newer, or a rival inserted an older version a moment ago. The careful pass tells the two
 * apart; without it the newer of two racing first writes would be lost.
 * The driver's own bulkWrite has a quarter of the CPU of Model.bulkWrite, which casts.
 * @param perCommand see `updatesPerCommand`
 */
export async function putNewer(jobs: JobCollection, writes: StoredJob[], perCommand: number): Promise<void> {
  const newest = newestOfEach(writes)
  for (let start = 0; start < newest.length; start += perCommand) {
    await putSome(jobs, newest.slice(start, start + perCommand))
  }
}

async function putSome(jobs: JobCollection, writes: StoredJob[]): Promise<void> {
  try {
    await jobs.bulkWrite(writes.map(toWrite), { ordered: false })
  } catch (error) {
    if (!isOnlyDuplicateKeys(error)) throw error
    await putCarefully(jobs, writes.map(toDocument))
  }
}

/** A job with one event is most likely new, and an insert is cheaper than an upsert: on FerretDB by far. */
function toWrite(stored: StoredJob): AnyBulkWriteOperation<JobDocument> {
  const document = toDocument(stored)
  return stored.job.events.length === 1
    ? { insertOne: { document } }
    : { updateOne: { ...guardedUpdate(document), upsert: true } }
}

/**
 * Two writes per job that never collide, right in either order: insert it if it is absent (the server itself repeats
 * an upsert by `_id` alone that met a rival), and update what is older. For all jobs of the call: FerretDB stops at
 * the first duplicate key, MongoDB does not.
 */
async function putCarefully(jobs: JobCollection, documents: JobDocument[]): Promise<void> {
  await jobs.bulkWrite(
    documents.flatMap((document) => {
      const { _id, ...fields } = document
      return [
        { updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true } },
        { updateOne: guardedUpdate(document) },
      ]
    }),
    { ordered: false },
  )
}

/** False for what is more than taken keys: another write error, or an acknowledgement that did not come. */
function isOnlyDuplicateKeys(error: unknown): boolean {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return false
  const writeErrors = [error.writeErrors].flat()
  if (writeErrors.length === 0 || error.result.getWriteConcernError() !== undefined) return false
  return writeErrors.every((each) => each.code === DUPLICATE_KEY)
}

const guardedUpdate = ({ _id, ...fields }: JobDocument) => ({
  filter: {
    _id,
    $or: [{ generation: { $lt: fields.generation } }, { generation: fields.generation, seq: { $lt: fields.seq } }],
  },
  update: { $set: fields },
})

/** An unordered bulk may run two writes of one job in any order, so only the newer is sent. */
function newestOfEach(writes: StoredJob[]): StoredJob[] {
  const newest = new Map<string, StoredJob>()
  for (const write of writes) {
    const known = newest.get(write.job.job_id)
    if (known === undefined || isNewer(write, known)) newest.set(write.job.job_id, write)
  }
  return [...newest.values()]
}

export function toDocument(stored: StoredJob): JobDocument {
  const { job_id, ...fields } = toRow(stored)
  return { _id: job_id, ...fields }
}
