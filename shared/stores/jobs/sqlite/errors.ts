import type { DatabaseSync } from 'node:sqlite'
import { checkTenant } from '../../tenant-filter.ts'
import {
  type ErrorKey,
  type ErrorRow,
  type ErrorsQuery,
  type ErrorTally,
  type FoundError,
  OTHER_ERRORS,
} from '../errors/errors.ts'
import { errorKeyOf, errorsAfter } from '../errors/tally.ts'
import type { Occurrences } from '../series/series.ts'

/** The statements of the kinds of errors. */
export const prepareErrors = (db: DatabaseSync) => ({
  getError: db.prepare('SELECT generation, seq, tally FROM job_errors WHERE tenant = ? AND fingerprint = ?'),
  countErrors: db.prepare('SELECT count(*) AS kept FROM job_errors WHERE tenant = ?'),
  putError: db.prepare(`
    INSERT INTO job_errors (tenant, fingerprint, generation, seq, type, first_at, last_at, tally)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET generation = excluded.generation, seq = excluded.seq, first_at = excluded.first_at,
      last_at = excluded.last_at, tally = excluded.tally`),
  listErrors: db.prepare(`
    SELECT fingerprint, generation, seq, tally, coalesce((
        SELECT count FROM job_error_counts AS counts
        WHERE counts.tenant = job_errors.tenant AND counts.fingerprint = job_errors.fingerprint), 0) AS failed
    FROM job_errors INDEXED BY job_errors_by_time
    WHERE tenant = ? AND last_at >= ? AND first_at < ? AND type = coalesce(?, type)
      AND (? IS NULL OR (last_at, fingerprint) < (?, ?))
    ORDER BY last_at DESC, fingerprint DESC LIMIT ?`),
  deleteErrors: db.prepare(`
    DELETE FROM job_errors WHERE last_at < ? AND NOT EXISTS (
      SELECT 1 FROM job_error_counts AS counts
      WHERE counts.tenant = job_errors.tenant AND counts.fingerprint = job_errors.fingerprint AND counts.count > 0)`),
  deleteErrorCounts: db.prepare(`
    DELETE FROM job_error_counts WHERE count <= 0`),
})

type ErrorStatements = ReturnType<typeof prepareErrors>

/** Call it in the transaction that writes the jobs of the batch. */
export function countErrors(run: ErrorStatements, occurrences: Occurrences): void {
  const { errors } = occurrences.changes
  if (errors.length === 0) return
  const keys = [...errors, ...errors.map(({ tenant }) => ({ tenant, fingerprint: OTHER_ERRORS }))]
  const stored = new Map<string, ErrorRow>()
  for (const key of keys) {
    const row = stored.has(errorKeyOf(key)) ? undefined : run.getError.get(key.tenant, key.fingerprint)
    if (row !== undefined) stored.set(errorKeyOf(key), toRow(key, row))
  }
  const keptOf = (tenant: string) => Number(run.countErrors.get(tenant)?.['kept'])
  for (const { tenant, fingerprint, generation, seq, tally } of errorsAfter(occurrences, stored, keptOf)) {
    const { type, firstAt, lastAt } = tally
    run.putError.run(tenant, fingerprint, generation, seq, type, firstAt, lastAt, JSON.stringify(tally))
  }
}

export function listErrors(run: ErrorStatements, query: ErrorsQuery): FoundError[] {
  const { tenant, type, lastFrom, firstBelow, after, limit } = query
  checkTenant(tenant)
  const place = [after?.lastAt ?? null, after?.lastAt ?? null, after?.fingerprint ?? null] as const
  return run.listErrors.all(tenant ?? '', lastFrom, firstBelow, type, ...place, limit).map((row) => {
    const fingerprint = String(row['fingerprint'])
    const failedNow = fingerprint === OTHER_ERRORS ? null : Number(row['failed'])
    return { ...toRow({ tenant: tenant ?? '', fingerprint }, row), failedNow }
  })
}

export function deleteErrors(run: ErrorStatements, lastBefore: string): void {
  run.deleteErrors.run(lastBefore)
  run.deleteErrorCounts.run()
}

const toRow = ({ tenant, fingerprint }: ErrorKey, row: Record<string, unknown>): ErrorRow => ({
  tenant,
  fingerprint,
  generation: Number(row['generation']),
  seq: Number(row['seq']),
  tally: JSON.parse(String(row['tally'])) as ErrorTally,
})
