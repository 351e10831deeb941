import type { AttemptRecord, WorkerRecord, WorkerSummary } from './attempt-store.ts'

/**
 * The row in which both stores keep a worker: columns for members that are compared or searched, and the rest as JSON
 * text; members that a list does not read are separate.
 */
export interface WorkerRow {
  worker_id: string
  started_at: string
  beat_at: string
  /** 1 once the worker has stopped cleanly. */
  stopped: number
  summary: string
  running: string
}

export interface AttemptRow {
  worker_id: string
  seq: number
  ended_at: string
  record: string
}

export function toWorkerRow({ running, ...summary }: WorkerRecord): WorkerRow {
  return {
    worker_id: summary.worker_id,
    started_at: summary.started_at,
    beat_at: summary.beat_at,
    stopped: summary.stopped_at === null ? 0 : 1,
    summary: JSON.stringify(summary),
    running: JSON.stringify(running),
  }
}

// Only the functions here write rows, so a row is trusted and not parsed by a schema.

export const toSummary = ({ summary }: Pick<WorkerRow, 'summary'>): WorkerSummary =>
  JSON.parse(summary) as WorkerSummary

export const fromWorkerRow = (row: Pick<WorkerRow, 'summary' | 'running'>): WorkerRecord => ({
  ...toSummary(row),
  running: JSON.parse(row.running) as WorkerRecord['running'],
})

export const toAttemptRow = (attempt: AttemptRecord): AttemptRow => ({
  worker_id: attempt.worker_id,
  seq: attempt.seq,
  ended_at: attempt.ended_at,
  record: JSON.stringify({ ...attempt, worker_id: undefined, seq: undefined }),
})

export const fromAttemptRow = ({ worker_id, seq, record }: Omit<AttemptRow, 'ended_at'>): AttemptRecord => ({
  worker_id,
  seq,
  ...(JSON.parse(record) as Omit<AttemptRecord, 'worker_id' | 'seq'>),
})
