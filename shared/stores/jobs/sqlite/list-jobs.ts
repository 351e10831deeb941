import type { JobSummary } from '#shared/contracts/log/job.ts'
import { checkTenant } from '../../tenant-filter.ts'
import { toSummary } from '../job-row.ts'
import { AFTER_EVERY_ID, AFTER_EVERY_TIME, type JobCount, type JobQuery, type SearchPart } from '../job-store.ts'
import { isMatch, type JobMatch, needlesOf } from '../match.ts'
import { STORED_STATUSES } from '../stored-status.ts'
import type { Statements } from './statements.ts'

/**
 * Lists a page. Call it in a snapshot: a job that is deleted between two of its reads would make a page look like the
 * last one.
 */
export function listJobs(run: Statements, query: JobQuery): JobSummary[] {
  checkTenant(query.tenant)
  const { fromId, belowId, limit } = query
  if (isAny(query)) return run.newest.all(fromId, belowId, limit).map(recordOf)
  return run.getRecords.all(JSON.stringify(listIds(run, query))).map(recordOf)
}

/** Call it in a snapshot. */
export function searchJobs(run: Statements, query: JobQuery, match: JobMatch): SearchPart {
  const ids = listIds(run, query)
  const { record, payload } = needlesOf(match)
  const jobs = run.getLikely
    .all(JSON.stringify(ids), record, record, payload, payload)
    .map((row) => ({ job: recordOf(row), payload: String(row['payload']) }))
    .filter((each) => isMatch(each.job, each.payload, match))
    .map(({ job }) => job)
  return { jobs, lastId: ids.length < query.limit ? null : (ids.at(-1) ?? null) }
}

/** Call it in a snapshot. */
export function countFound(run: Statements, query: JobQuery): number {
  const { statuses, type, objectId, tenant, tag, error, fromId, belowId, endedFrom, endedBelow, limit } = query
  if (objectId !== null || tag !== null || error !== null) return listIds(run, query).length
  const isWhole = fromId === '' && belowId === AFTER_EVERY_ID && isAnyEnd(query)
  const range = [fromId, belowId, endedFrom, endedBelow] as const
  let found = 0
  for (const each of countJobs(run, tenant)) {
    if (found >= limit || (type !== null && each.type !== type)) continue
    if (statuses !== null && !statuses.includes(each.status)) continue
    if (isWhole) {
      found += each.count
      continue
    }
    const about = [each.type, each.status, ...range, limit - found] as const
    const row = tenant === null ? run.countOfType.get(...about) : run.countOfTenant.get(tenant, ...about)
    found += Number(row?.['count'])
  }
  return Math.min(found, limit)
}

const isAnyEnd = ({ endedFrom, endedBelow }: JobQuery): boolean => endedFrom === '' && endedBelow === AFTER_EVERY_TIME

const isAny = (query: JobQuery): boolean =>
  [query.statuses, query.type, query.objectId, query.tenant, query.tag, query.error].every((each) => each === null) &&
  isAnyEnd(query)

/** The ids of a page, from an index. */
function listIds(run: Statements, query: JobQuery): string[] {
  const { statuses, type, objectId, tenant, tag, error, fromId, belowId, endedFrom, endedBelow, limit } = query
  checkTenant(tenant)
  if (isAny(query)) return run.newestIds.all(fromId, belowId, limit).map(idOf)
  const range = [fromId, belowId, endedFrom, endedBelow] as const
  const about = [type, tenant, JSON.stringify(statuses ?? STORED_STATUSES)] as const
  if (objectId !== null)
    return run.newestOfObject.all(objectId, ...range, ...about, tag, tag, error, error, limit).map(idOf)
  if (tag !== null) return run.newestOfTag.all(tag, ...range, ...about, error, error, limit).map(idOf)
  if (error !== null) return run.newestOfError.all(error, ...range, ...about, limit).map(idOf)
  return newestOf(run, query)
}

export function countJobs(run: Statements, tenant: string | null): JobCount[] {
  checkTenant(tenant)
  return run.counts.all(tenant ?? '').map((row) => ({ ...row }) as unknown as JobCount)
}

/**
 * Merges one walk for each type and status that exist (for a tenant, its own). A walk need not go further back than the
 * page that the walks before it have filled, so the most common ones come first: theirs reaches back least.
 */
function newestOf(
  run: Statements,
  { statuses, type, tenant, fromId, belowId, endedFrom, endedBelow, limit }: JobQuery,
): string[] {
  let ids: string[] = []
  let from = fromId
  for (const each of countJobs(run, tenant).toSorted((a, b) => b.count - a.count)) {
    if (type !== null && each.type !== type) continue
    if (statuses !== null && !statuses.includes(each.status)) continue
    const found =
      tenant === null
        ? run.newestOfType.all(each.type, each.status, from, belowId, endedFrom, endedBelow, limit)
        : run.newestOfTenant.all(tenant, each.type, each.status, from, belowId, endedFrom, endedBelow, limit)
    ids = [...ids, ...found.map(idOf)].toSorted(newestFirst).slice(0, limit)
    if (ids.length === limit) from = ids.at(-1) ?? from
  }
  return ids
}

const newestFirst = (a: string, b: string): number => (a < b ? 1 : -1)

const recordOf = (row: Record<string, unknown>): JobSummary => toSummary({ record: String(row['record']) })

const idOf = (row: Record<string, unknown>): string => String(row['job_id'])
