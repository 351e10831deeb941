import { type JobRow, toRow } from '../job-row.ts'
import type { StoredJob } from '../job-store.ts'
import type { StoredStatus } from '../stored-status.ts'
import { type CountedState, JobCounter } from './job-counter.ts'
import { SEGMENT_JOBS } from './schema.ts'
import type { Statements } from './statements.ts'

/** Writes jobs and their counts together, so it must be called in a transaction, like every write here. */
export function putNewer(run: Statements, jobs: StoredJob[]): void {
  const known = readStatuses(run, jobs)
  const counter = new JobCounter()
  const segment = Math.floor(Number(run.readInserted.get()?.['total']) / SEGMENT_JOBS)
  let inserted = 0
  for (const stored of jobs) {
    const row = toRow(stored)
    if (!put(run, row, segment)) continue
    if (row.tags.length > 0) run.putTags.run(row.job_id, row.ended_at, JSON.stringify(row.tags))
    const before = known.get(row.job_id)
    if (before === undefined) inserted++
    else counter.remove(row, before)
    counter.add(row, row)
    known.set(row.job_id, row)
  }
  if (inserted > 0) run.addInserted.run(inserted)
  counter.save(run)
}

/** @returns how many were deleted */
export function deleteEnded(run: Statements, firstIdAfter: string, endedBefore: string, limit: number): number {
  const counter = new JobCounter()
  const deleted = run.deleteEnded.all(firstIdAfter, endedBefore, limit)
  for (const { job_id, tenant, type, status, error, tags } of deleted) {
    const state = { status: status as StoredStatus, error: String(error) }
    counter.remove({ tenant: String(tenant), type: String(type) }, state)
    if (tags !== null) run.deleteTags.run(String(job_id), String(tags))
  }
  counter.save(run)
  return deleted.length
}

function readStatuses(run: Statements, jobs: StoredJob[]): Map<string, CountedState> {
  const rows = run.getStatuses.all(JSON.stringify(jobs.map(({ job }) => job.job_id)))
  return new Map(rows.map((row) => [String(row['job_id']), row as unknown as CountedState]))
}

/** @returns false when the stored version is as new or newer */
function put(run: Statements, row: JobRow, segment: number): boolean {
  const { changes } = run.putNewer.run(
    row.job_id,
    row.generation,
    row.seq,
    segment,
    row.type,
    row.status,
    row.object_id,
    row.tenant,
    row.phase,
    row.updated_at,
    row.ended_at,
    row.error,
    row.record,
    row.payload,
    row.result,
  )
  return changes === 1
}
