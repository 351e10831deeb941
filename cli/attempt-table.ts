import type { Attempt } from '../client/index.ts'
import { formatDuration } from './format-number.ts'
import { formatTable } from './table.ts'

const HEADING = ['ROUND', 'ATTEMPT', 'WORKER', 'STARTED', 'TOOK', 'OUTCOME', 'ERROR']
const INDENT = '  '

/** The attempts of a job, oldest first, below a line that is empty; nothing where there are none. */
export function attemptTable(attempts: readonly Attempt[], columns: number): string[] {
  if (attempts.length === 0) return []
  const rows = attempts.map((attempt) => [
    // Stored by a version that did not keep it.
    attempt.round === undefined ? '-' : String(attempt.round),
    String(attempt.attempt),
    attempt.worker_id,
    attempt.started_at,
    attempt.ended_at === null ? '' : formatDuration(Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)),
    attempt.outcome ?? 'running',
    (attempt.error?.message || attempt.error?.name || '').replaceAll(/\s+/g, ' '),
  ])
  return ['', ...formatTable(HEADING, rows, columns - INDENT.length).map((line) => INDENT + line)]
}
