import type { DatabaseSync } from 'node:sqlite'
import { checkTenant } from '../../tenant-filter.ts'
import {
  type LevelRow,
  type Occurrences,
  type SeriesQuery,
  type SeriesRow,
  STEPS,
  type StepS,
  type Tally,
} from '../series/series.ts'
import { rowAfter } from '../series/tally.ts'

/** The statements of the counts by span. */
export const prepareSeries = (db: DatabaseSync) => ({
  getSpan: db.prepare(
    'SELECT generation, seq, tally FROM job_series WHERE step_s = ? AND tenant = ? AND at_s = ? AND type = ?',
  ),
  putSpan: db.prepare(`
    INSERT INTO job_series (step_s, tenant, at_s, type, generation, seq, tally) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET generation = excluded.generation, seq = excluded.seq, tally = excluded.tally`),
  readSpans: db.prepare(`
    SELECT at_s, type, generation, seq, tally FROM job_series
    WHERE step_s = ? AND tenant = ? AND at_s >= ? AND at_s < ? AND type = coalesce(?, type)`),
  firstSpan: db.prepare(`
    SELECT min(at_s) AS at_s FROM (
      SELECT min(at_s) AS at_s FROM job_series WHERE step_s = ? AND tenant = ''
      UNION ALL SELECT min(at_s) FROM job_levels WHERE step_s = ?)`),
  // One look for each tenant: the key has the time only behind it.
  nextTenant: db.prepare('SELECT min(tenant) AS tenant FROM job_series WHERE step_s = ? AND tenant > ?'),
  deleteSpans: db.prepare('DELETE FROM job_series WHERE step_s = ? AND tenant = ? AND at_s < ?'),
  putLevel: db.prepare(`
    INSERT INTO job_levels (step_s, at_s, type, waiting, running) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
      waiting = max(waiting, excluded.waiting), running = max(running, excluded.running)`),
  readLevels: db.prepare(`
    SELECT step_s AS stepS, at_s AS atS, type, waiting, running FROM job_levels
    WHERE step_s = ? AND at_s >= ? AND at_s < ? AND type = coalesce(?, type)`),
  deleteLevels: db.prepare('DELETE FROM job_levels WHERE step_s = ? AND at_s < ?'),
})

type SeriesStatements = ReturnType<typeof prepareSeries>

/** Call it in the transaction that writes the jobs of the batch. */
export function countOccurrences(run: SeriesStatements, occurrences: Occurrences): void {
  for (const change of occurrences.changes.spans) {
    const { stepS, tenant, atS, type } = change
    const found = run.getSpan.get(stepS, tenant, atS, type)
    const next = rowAfter(
      change,
      found === undefined ? null : toRow({ stepS, tenant }, { ...found, at_s: atS, type }),
      occurrences,
    )
    if (next !== null) run.putSpan.run(stepS, tenant, atS, type, next.generation, next.seq, JSON.stringify(next.tally))
  }
}

export function readSeries(run: SeriesStatements, query: SeriesQuery): SeriesRow[] {
  const { stepS, tenant, type, fromS, belowS } = query
  checkTenant(tenant)
  const rows = run.readSpans.all(stepS, tenant ?? '', fromS, belowS, type)
  return rows.map((row) => toRow({ stepS, tenant: tenant ?? '' }, row))
}

export function firstSpan(run: SeriesStatements, stepS: StepS): number | null {
  const atS = run.firstSpan.get(stepS, stepS)?.['at_s']
  return typeof atS === 'number' ? atS : null
}

export function putLevels(run: SeriesStatements, levels: LevelRow[]): void {
  for (const { stepS, atS, type, waiting, running } of levels) run.putLevel.run(stepS, atS, type, waiting, running)
}

export const readLevels = (
  run: SeriesStatements,
  { stepS, fromS, belowS, type }: Omit<SeriesQuery, 'tenant'>,
): LevelRow[] => run.readLevels.all(stepS, fromS, belowS, type).map((row) => ({ ...row }) as unknown as LevelRow)

export function deleteOldSpans(run: SeriesStatements, nowMs: number): void {
  for (const { stepS, keptS } of STEPS) {
    const belowS = Math.floor(nowMs / 1_000) - keptS
    run.deleteLevels.run(stepS, belowS)
    run.deleteSpans.run(stepS, '', belowS)
    for (let tenant: unknown = ''; typeof tenant === 'string'; ) {
      tenant = run.nextTenant.get(stepS, tenant)?.['tenant']
      if (typeof tenant === 'string') run.deleteSpans.run(stepS, tenant, belowS)
    }
  }
}

function toRow(about: Pick<SeriesRow, 'stepS' | 'tenant'>, row: Record<string, unknown>): SeriesRow {
  return {
    ...about,
    atS: Number(row['at_s']),
    type: String(row['type']),
    generation: Number(row['generation']),
    seq: Number(row['seq']),
    tally: JSON.parse(String(row['tally'])) as Tally,
  }
}
