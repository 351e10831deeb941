import type { JobSummary } from '#shared/contracts/log/job.ts'
import { checkTenant } from '../../tenant-filter.ts'
import { toSummary } from '../job-row.ts'
import { AFTER_EVERY_TIME, type JobCount, type JobQuery } from '../job-store.ts'
import { STORED_STATUSES } from '../stored-status.ts'
import type { Statements } from './statements.ts'

/**
 * Lists a page. Call it in a snapshot: a job that is deleted between two of its reads would make a page look like the
 * last one.
 */
export function listJobs(run: Statements, query: JobQuery): JobSummary[] {
  const { statuses, type, objectId, tenant, tag, fromId, belowId, endedFrom, endedBelow, limit } = query
  checkTenant(tenant)
  const wanted = JSON.stringify(statuses ?? STORED_STATUSES)
  const range = [fromId, belowId, endedFrom, endedBelow] as const
  if (objectId !== null) {
    const found = run.newestOfObject.all(objectId, ...range, type, tenant, wanted, tag, tag, limit)
    return readRecords(run, found.map(idOf))
  }
  if (tag !== null) return readRecords(run, run.newestOfTag.all(tag, ...range, type, tenant, wanted, limit).map(idOf))
  const isAnyTime = endedFrom === '' && endedBelow === AFTER_EVERY_TIME
  if (statuses === null && type === null && tenant === null && isAnyTime)
    return run.newest.all(fromId, belowId, limit).map(recordOf)
  return readRecords(run, newestOf(run, query))
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

const readRecords = (run: Statements, ids: string[]): JobSummary[] =>
  run.getRecords.all(JSON.stringify(ids)).map(recordOf)

const idOf = (row: Record<string, unknown>): string => String(row['job_id'])
