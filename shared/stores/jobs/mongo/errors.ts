import { findByIds } from '../../mongo/find-by-ids.ts'
import { putNewer, type VersionedDocument } from '../../mongo/put-newer.ts'
import { checkTenant } from '../../tenant-filter.ts'
import { type ErrorRow, type ErrorsQuery, type ErrorTally, type FoundError, OTHER_ERRORS } from '../errors/errors.ts'
import { errorKeyOf, errorsAfter } from '../errors/tally.ts'
import type { Occurrences } from '../series/series.ts'
import type { Models } from './models.ts'

/** An ErrorRow as MongoDB keeps it. */
export type ErrorDocument = Pick<ErrorRow, 'tenant' | 'fingerprint' | 'generation' | 'seq'> & {
  _id: string
  type: string
  first_at: string
  last_at: string
  tally: string
}

/** Counts the errors of a batch; written as the spans are. */
export async function countErrors({ errors, errorVersions }: Models, occurrences: Occurrences, perCommand: number) {
  const changes = occurrences.changes.errors
  if (changes.length === 0) return
  const tenants = [...new Set(changes.map(({ tenant }) => tenant))]
  const keys = [...changes, ...tenants.map((tenant) => ({ tenant, fingerprint: OTHER_ERRORS }))].map(errorKeyOf)
  const found = await findByIds(errors, keys, ['tenant', 'fingerprint', 'generation', 'seq', 'tally'])
  const stored = new Map(found.map((document) => [document._id, toRow(document)]))
  const isNew = changes.some((change) => !stored.has(errorKeyOf(change)))
  const kept = new Map(
    isNew
      ? await Promise.all(tenants.map(async (tenant) => [tenant, await errors.countDocuments({ tenant })] as const))
      : [],
  )
  const rows = errorsAfter(occurrences, stored, (tenant) => kept.get(tenant) ?? 0)
  if (rows.length > 0) await putNewer(errorVersions, rows.map(toDocument), perCommand)
}

export async function listErrors(models: Models, query: ErrorsQuery): Promise<FoundError[]> {
  const { tenant, type, lastFrom, firstBelow, after, limit } = query
  checkTenant(tenant)
  const isAfter =
    after === null
      ? {}
      : {
          $or: [{ last_at: { $lt: after.lastAt } }, { last_at: after.lastAt, fingerprint: { $lt: after.fingerprint } }],
        }
  const documents = await models.errors
    .find({
      tenant: tenant ?? '',
      last_at: { $gte: lastFrom },
      first_at: { $lt: firstBelow },
      ...(type === null ? {} : { type }),
      ...isAfter,
    })
    .sort({ last_at: -1, fingerprint: -1 })
    .limit(limit)
    .toArray()
  const failed = await countFailed(
    models,
    tenant,
    documents.map(({ fingerprint }) => fingerprint),
  )
  return documents.map((document) => ({
    ...toRow(document),
    failedNow: document.fingerprint === OTHER_ERRORS ? null : (failed.get(document.fingerprint) ?? 0),
  }))
}

/** Counted from the index of errors. */
async function countFailed(
  { jobCollection }: Models,
  tenant: string | null,
  fingerprints: string[],
): Promise<Map<string, number>> {
  if (fingerprints.length === 0) return new Map()
  const match = {
    error: { $in: fingerprints },
    status: { $in: ['failed' as const, 'failed_timeout' as const] },
    ...(tenant === null ? {} : { tenant }),
  }
  const groups = jobCollection.aggregate<{ _id: string; count: number }>([
    { $match: match },
    { $group: { _id: '$error', count: { $sum: 1 } } },
  ])
  return new Map((await groups.toArray()).map(({ _id, count }) => [_id, count]))
}

export async function deleteErrors(models: Models, lastBefore: string): Promise<void> {
  const old = await models.errors.find({ last_at: { $lt: lastBefore } }).toArray()
  const failed = await countFailed(models, null, [...new Set(old.map(({ fingerprint }) => fingerprint))])
  const gone = old.filter(({ fingerprint }) => !failed.has(fingerprint)).map(({ _id }) => _id)
  if (gone.length > 0) await models.errors.deleteMany({ _id: { $in: gone }, last_at: { $lt: lastBefore } })
}

function toDocument({ tenant, fingerprint, generation, seq, tally }: ErrorRow): VersionedDocument {
  const { type, firstAt, lastAt } = tally
  return {
    _id: errorKeyOf({ tenant, fingerprint }),
    tenant,
    fingerprint,
    generation,
    seq,
    type,
    first_at: firstAt,
    last_at: lastAt,
    tally: JSON.stringify(tally),
  }
}

const toRow = ({
  tenant,
  fingerprint,
  generation,
  seq,
  tally,
}: Pick<ErrorDocument, 'tenant' | 'fingerprint' | 'generation' | 'seq' | 'tally'>): ErrorRow => ({
  tenant,
  fingerprint,
  generation,
  seq,
  tally: JSON.parse(tally) as ErrorTally,
})
