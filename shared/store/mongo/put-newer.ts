import mongoose from 'mongoose'
import { isNewer, toRow } from '../job-row.ts'
import type { StoredJob } from '../port.ts'
import { findByIds } from './find-by-ids.ts'
import type { JobDocument, Models } from './models.ts'

const DUPLICATE_KEY = 11_000

type JobCollection = Models['jobCollection']

/**
 * Reads which versions are there, then inserts what is not and updates what is older; each update is guarded, so a rival
 * that was faster in between wins. A rival that inserted in between shows as "duplicate key": the careful pass tells
 * whether it wrote an older version or a newer one.
 * Not upserts: where their guard does not match they try to insert, fail, and have to be looked at again; and on
 * FerretDB every one of them reads the whole collection.
 * The driver's own bulkWrite has a quarter of the CPU of Model.bulkWrite, which casts.
 * @param perCommand see `updatesPerCommand`
 */
export async function putNewer(jobs: JobCollection, writes: StoredJob[], perCommand: number): Promise<void> {
  const documents = newestOfEach(writes).map(toDocument)
  for (let start = 0; start < documents.length; start += perCommand) {
    await putSome(jobs, documents.slice(start, start + perCommand))
  }
}

async function putSome(jobs: JobCollection, documents: JobDocument[]): Promise<void> {
  const stored = await readVersions(jobs, documents)
  const isStored = ({ _id }: JobDocument) => stored.has(_id)
  const older = documents.filter((document) => isOlder(stored.get(document._id), document))
  if (older.length > 0) {
    const updates = older.map((document) => ({ updateOne: guardedUpdate(document) }))
    const { matchedCount } = await jobs.bulkWrite(updates, { ordered: false })
    // A rival was faster, or retention has deleted one.
    if (matchedCount < older.length) await putCarefully(jobs, older)
  }
  const missing = documents.filter((document) => !isStored(document))
  if (missing.length > 0) await insertAll(jobs, missing)
}

type Version = Pick<JobDocument, 'generation' | 'seq'>

async function readVersions(jobs: JobCollection, documents: JobDocument[]): Promise<Map<string, Version>> {
  const ids = documents.map(({ _id }) => _id)
  const found = await findByIds(jobs, ids, ['generation', 'seq'])
  return new Map(found.map(({ _id, ...version }) => [_id, version]))
}

const isOlder = (stored: Version | undefined, { generation, seq }: Version): boolean =>
  stored !== undefined && (stored.generation === generation ? stored.seq < seq : stored.generation < generation)

async function insertAll(jobs: JobCollection, documents: JobDocument[]): Promise<void> {
  try {
    await jobs.insertMany(documents, { ordered: false })
  } catch (error) {
    if (!isOnlyDuplicateKeys(error)) throw error
    await putCarefully(jobs, documents)
  }
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
