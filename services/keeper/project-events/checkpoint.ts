import { msOf } from '#shared/bus/broker-time.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import type { StreamState } from '#shared/bus/stream.ts'
import type { Checkpoint } from '#shared/stores/jobs/job-store.ts'
import { isoTime, SECOND } from '#shared/time/clock.ts'

/** What the fold writes: a store that an older version has written is written anew, from the beginning of the log. */
const FOLD_VERSION = 2

/** Whether the broker's log is another one than the checkpoint was saved for. */
export const isOtherLog = (checkpoint: Checkpoint, state: StreamState): boolean =>
  checkpoint.stream_created !== state.created || state.lastSeq < checkpoint.seq

/**
 * The checkpoint from which a new owner goes on.
 * @param seen null: there is none
 */
export function checkpointToOwn(seen: Checkpoint | null, state: StreamState, nowMs: number): Checkpoint {
  const checkpoint = seen ?? {
    revision: 0,
    generation: 0,
    seq: 0,
    rebuild_until: 0,
    log_generation: 0,
    stream_created: '',
    owner: '',
    beat: 0,
  }
  if (isOtherLog(checkpoint, state)) return { ...checkpoint, ...otherLog(checkpoint, state, nowMs) }
  if ((checkpoint.fold_version ?? 1) < FOLD_VERSION) return { ...checkpoint, ...freshStart(checkpoint, state, nowMs) }
  // The previous owner continued for a moment after the rebuild was requested, and callers have seen that too.
  if (checkpoint.seq < checkpoint.rebuild_until) return { ...checkpoint, rebuild_until: state.lastSeq }
  return checkpoint
}

/** A fresh start after which sequences known to older generations no longer count. */
export function otherLog(checkpoint: Checkpoint, state: StreamState, nowMs: number) {
  const start = freshStart(checkpoint, state, nowMs)
  return { ...start, log_generation: start.generation }
}

/**
 * The next generation, from the beginning of the log. It is a time in seconds, so it grows even when the store was
 * lost.
 */
export const freshStart = (
  checkpoint: Pick<Checkpoint, 'generation'>,
  state: StreamState,
  nowMs: number,
): Pick<Checkpoint, 'generation' | 'seq' | 'rebuild_until' | 'stream_created' | 'log_from' | 'fold_version'> => ({
  generation: Math.max(checkpoint.generation + 1, Math.floor(nowMs / SECOND)),
  seq: 0,
  rebuild_until: state.lastSeq,
  stream_created: state.created,
  log_from: '',
  fold_version: FOLD_VERSION,
})

/** Up to when everything is applied. @param last the last event applied; undefined: none came after the question */
export const asOf = (last: Pick<Delivery, 'storedNs'> | undefined, askedAtMs: number): Pick<Checkpoint, 'as_of'> => ({
  as_of: isoTime(last === undefined ? askedAtMs : msOf(last.storedNs)),
})
