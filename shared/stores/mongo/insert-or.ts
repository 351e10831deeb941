import mongoose from 'mongoose'

export const DUPLICATE_KEY = 11_000

type Document = mongoose.mongo.BSON.Document & { _id: string }

/**
 * Inserts documents that are most likely new; if some exist already, writes all of them the other way: FerretDB stops
 * at the first duplicate, MongoDB does not.
 * @throws everything but duplicate keys
 */
export async function insertOr<T extends Document>(
  collection: Pick<mongoose.mongo.Collection<T>, 'insertMany'>,
  documents: T[],
  otherwise: () => Promise<unknown>,
): Promise<void> {
  try {
    await collection.insertMany(documents as mongoose.mongo.OptionalUnlessRequiredId<T>[], { ordered: false })
  } catch (error) {
    if (!isOnlyDuplicateKeys(error)) throw error
    await otherwise()
  }
}

/** Whether the error is only about duplicate keys: not another write error, nor a missing acknowledgement. */
function isOnlyDuplicateKeys(error: unknown): boolean {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return false
  const writeErrors = [error.writeErrors].flat()
  if (writeErrors.length === 0 || error.result.getWriteConcernError() !== undefined) return false
  return writeErrors.every((each) => each.code === DUPLICATE_KEY)
}
