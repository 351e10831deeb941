import type mongoose from 'mongoose'

/** Number of ids up to which they are looked up one by one at the same time. */
const FEW = 16

/**
 * The documents with these ids, with some of their fields. A few are looked up by equality: still one round trip, and
 * FerretDB, which reads the whole collection for a list of ids, finds each by its key.
 */
export async function findByIds<D extends { _id: string }, K extends keyof D & string>(
  collection: mongoose.mongo.Collection<D>,
  ids: string[],
  fields: readonly K[],
): Promise<Pick<D, K | '_id'>[]> {
  if (ids.length === 0) return []
  const projection = Object.fromEntries(fields.map((field) => [field, 1 as const]))
  if (ids.length > FEW) {
    const ofAny = { _id: { $in: ids } } as mongoose.mongo.Filter<D>
    return collection.find<D>(ofAny, { projection, batchSize: ids.length }).toArray()
  }
  const found = await Promise.all(
    ids.map((_id) => collection.findOne<D>({ _id } as mongoose.mongo.Filter<D>, { projection })),
  )
  return found.filter((document) => document !== null)
}
