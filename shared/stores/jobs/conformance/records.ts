import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { AFTER_EVERY_ID, AFTER_EVERY_TIME, type Checkpoint, type JobQuery, type StoredJob } from '../job-store.ts'

const START_MS = Date.parse('2026-11-22T12:00:00.000Z')

/** Test time in minutes after an arbitrary noon. */
export const minute = (minutes: number): string => new Date(START_MS + minutes * 60_000).toISOString()

/** The n-th id in order, for a job created n ms after minute 0. */
export const idOf = (n: number): string => makeJobId(START_MS + n, `${n}`.padStart(16, 'x'))

/** A stored job; an ended phase implies a finished_at, by default that of its last event. */
export function storedJob(
  n: number,
  version: { generation?: number; seq: number },
  fields: Partial<Job> = {},
): StoredJob {
  const updatedAt = fields.updated_at ?? minute(1)
  const phase = fields.phase ?? 'waiting'
  const job: Job = {
    job_id: idOf(n),
    object_id: `object-${n}`,
    type: 'sleep',
    priority: 'normal',
    tenant: null,
    phase,
    round: 1,
    created_at: minute(0),
    started_at: null,
    finished_at: isTerminal(phase) ? updatedAt : null,
    due_at: null,
    payload: { n },
    timeout_ms: 46_000,
    max_attempts: 3,
    first_attempt: 1,
    backoff: { kind: 'fixed', base_ms: 1_000, max_ms: 1_000, jitter: 0 },
    callback_url: null,
    events: [],
    attempts: [],
    progress: null,
    result: null,
    error: null,
    reason: null,
    crashes: 0,
    seq: version.seq,
    updated_at: updatedAt,
    ...fields,
  }
  return { generation: version.generation ?? 1, job }
}

/** A search that finds everything that a test writes. */
export const EVERYTHING: JobQuery = {
  statuses: null,
  type: null,
  objectId: null,
  tenant: null,
  tag: null,
  error: null,
  endedFrom: '',
  endedBelow: AFTER_EVERY_TIME,
  fromId: '',
  belowId: AFTER_EVERY_ID,
  limit: 1_000,
}

export const checkpoint = (revision: number, fields: Partial<Checkpoint> = {}): Checkpoint => ({
  revision,
  generation: 1,
  seq: 0,
  rebuild_until: 0,
  log_generation: 1,
  stream_created: '2026-11-22T12:00:00.123456789Z',
  owner: 'api-1',
  beat: 1,
  ...fields,
})

/** Values that a store would change, refuse or obey if it took keys or text for something else. */
export const HOSTILE_VALUES: unknown[] = [
  { $set: { phase: 'finished' }, $where: 'sleep(1000)', 'a.b': { 'c.$d': 1 }, '': 'empty key', 'nul\u0000key': 1 },
  // An own key, as JSON.parse makes it from what a client sends.
  JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": null}, "_id": 1, "toJSON": "no"}'),
  { text: `'; DROP TABLE jobs; -- \u0000 \u2028 \ud800 🦀 é e\u0301 ${'ß'.repeat(5_000)}` },
  { numbers: [0, 1e308, 5e-324, 0.1, 2 ** 53, -1], nested: [[[{ deep: [null, true, ''] }]]] },
  'text',
  0,
  false,
  [],
  {},
  null,
]
