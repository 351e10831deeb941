import type { JobDocument, Models } from './models.ts'

/** Few enough to be looked up one by one at the same time. */
const FEW = 16

/**
 * The documents with these ids, with some of their fields. A few are looked up by equality: one round trip all the same,
 * and FerretDB, which reads the whole collection for a list of ids, finds each by its key.
 */
export async function findByIds<K extends keyof JobDocument>(
  jobs: Models['jobCollection'],
  ids: string[],
  fields: readonly K[],
): Promise<Pick<JobDocument, K | '_id'>[]> {
  if (ids.length === 0) return []
  const projection = Object.fromEntries(fields.map((field) => [field, 1 as const]))
  if (ids.length > FEW) {
    return jobs.find({ _id: { $in: ids } }, { projection, batchSize: ids.length }).toArray()
  }
  const found = await Promise.all(ids.map((_id) => jobs.findOne({ _id }, { projection })))
  return found.filter((document) => document !== null)
}
