import type mongoose from 'mongoose'
import { isNewer, type RowVersion } from '../version.ts'
import { findByIds } from './find-by-ids.ts'
import { insertOr } from './insert-or.ts'

/** A document that several may write at once, each time whole: its newest version stays. */
export type VersionedDocument = RowVersion & { _id: string; [field: string]: unknown }
type Collection = mongoose.mongo.Collection<VersionedDocument>

/**
 * Reads the existing versions, then inserts missing documents and updates older ones; each update is guarded, so a
 * rival that was faster in between wins. A rival that inserted in between shows as "duplicate key": the careful pass
 * finds out whether it wrote an older version or a newer one.
 * Upserts are not used: where their guard does not match they try to insert, fail, and have to be checked again; and on
 * FerretDB every one of them reads the whole collection.
 * The driver's own bulkWrite takes a quarter of the CPU of Model.bulkWrite, which casts.
 * @param perCommand see `updatesPerCommand`
 */
export async function putNewer(collection: Collection, writes: VersionedDocument[], perCommand: number): Promise<void> {
  const documents = newestOfEach(writes)
  for (let start = 0; start < documents.length; start += perCommand) {
    await putSome(collection, documents.slice(start, start + perCommand))
  }
}

async function putSome(collection: Collection, documents: VersionedDocument[]): Promise<void> {
  const stored = await readVersions(collection, documents)
  const older = documents.filter((document) => {
    const version = stored.get(document._id)
    return version !== undefined && isNewer(document, version)
  })
  if (older.length > 0) {
    const updates = older.map((document) => ({ updateOne: guardedUpdate(document) }))
    const { matchedCount } = await collection.bulkWrite(updates, { ordered: false })
    // A rival was faster, or retention has deleted one.
    if (matchedCount < older.length) await putCarefully(collection, older)
  }
  const missing = documents.filter(({ _id }) => !stored.has(_id))
  if (missing.length > 0) await insertOr(collection, missing, () => putCarefully(collection, missing))
}

async function readVersions(collection: Collection, documents: VersionedDocument[]): Promise<Map<string, RowVersion>> {
  const ids = documents.map(({ _id }) => _id)
  const found = await findByIds(collection, ids, ['generation', 'seq'])
  return new Map(found.map(({ _id, ...version }) => [_id, version]))
}

/**
 * Writes each document twice, in either order and without collisions: an insert if it is absent (the server itself
 * repeats an upsert by `_id` alone that met a rival), and an update if it is older. This covers all documents of the
 * call: FerretDB stops at the first duplicate key, MongoDB does not.
 */
async function putCarefully(collection: Collection, documents: VersionedDocument[]): Promise<void> {
  await collection.bulkWrite(
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

const guardedUpdate = ({ _id, ...fields }: VersionedDocument) => ({
  filter: {
    _id,
    $or: [{ generation: { $lt: fields.generation } }, { generation: fields.generation, seq: { $lt: fields.seq } }],
  },
  update: { $set: fields },
})

/** The newest version of each document: an unordered bulk may run two writes of one document in any order. */
function newestOfEach(documents: VersionedDocument[]): VersionedDocument[] {
  const newest = new Map<string, VersionedDocument>()
  for (const document of documents) {
    const known = newest.get(document._id)
    if (known === undefined || isNewer(document, known)) newest.set(document._id, document)
  }
  return [...newest.values()]
}
