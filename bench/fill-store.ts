import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import type { Job, JobPhase } from '#shared/contracts/log/job.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { newJobId } from '#shared/ids/ids.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import type { Occurrences } from '#shared/stores/jobs/series/series.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'
import { isoTime } from '#shared/time/clock.ts'
import { findNatsServer } from '../scripts/servers/find-nats-server.ts'
import { EventCounter } from '../services/keeper/project-events/event-counter.ts'

/** The jobs were created in the twenty days before. */
export const SPAN_MS = 20 * 24 * 60 * 60 * 1000
const BATCH = 500
const OBJECTS = 200_000
const SCHEDULED = 200

interface Filled {
  store: JobStore
  file: string
  /** How long filling it took, and how many writes it was. */
  seconds: number
  writes: number
  /** Settings of services over this store. */
  env: Record<string, string>
}

/** Fills a store of its own in a new folder, finds the broker, and removes the folder after the measurement. */
export async function withFilledStore(
  jobs: number,
  endMs: number,
  measure: (filled: Filled) => Promise<void>,
): Promise<void> {
  process.env['NATS_SERVER_BIN'] = (await findNatsServer()).path
  const dir = await mkdtemp(join(tmpdir(), 'hasty-bench-'))
  try {
    const file = join(dir, 'jobs.sqlite')
    const store = await openSqliteStore(file)
    const filling = await fillStore(store, jobs, endMs)
    // Housekeeping would wake the jobs that wait here forever.
    const env = { DATA_DIR: dir, HOUSEKEEPING_MS: '3600000', LOG_LEVEL: 'warn' }
    await measure({ store, file, ...filling, env })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/**
 * Fills a store as the projection does, in batches: each job as accepted, then as ended. The mix: a type that a quarter
 * of the jobs has and one that a thousandth has; 2 % failed, 0.5 % cancelled, the 200 oldest scheduled, the 1,000
 * newest processing; five jobs per object, and one object with every fiftieth job.
 */
async function fillStore(store: JobStore, jobs: number, endMs: number): Promise<{ seconds: number; writes: number }> {
  let writes = 0
  let milliseconds = 0
  const put = async (batch: Job[]) => {
    const occurrences = occurrencesOf(batch)
    const startedMs = performance.now()
    await store.putNewer(
      batch.map((job) => ({ generation: 1, job })),
      occurrences,
    )
    milliseconds += performance.now() - startedMs
    writes += batch.length
  }
  for (let first = 0; first < jobs; first += BATCH) {
    const length = Math.min(BATCH, jobs - first)
    const made = Array.from({ length }, (_, i) =>
      acceptedJob(first + i, endMs - SPAN_MS + ((first + i) / jobs) * SPAN_MS),
    )
    await put(made)
    await put(made.map((job, i) => endedJob(job, phaseOf(first + i, jobs), first + i)).filter((job) => job !== null))
  }
  return { seconds: milliseconds / 1000, writes }
}

/** The counts that the keeper would write of such jobs, by time and by error. */
function occurrencesOf(batch: Job[]): Occurrences {
  const counter = new EventCounter()
  for (const job of batch) {
    const { job_id, type, object_id, seq, error } = job
    const about = { job_id, type, object_id }
    const at = job.updated_at
    const run = { ...about, at, attempt: 1, worker_id: 'w' }
    if (seq % 3 === 1)
      counter.add(job, { ...job, tenant: undefined, event: 'job:created', at, attempt: 1 } as JobEvent, seq)
    else counter.add(job, { event: 'job:started', ...run, trigger: 1, crashes: 0, isolated: false }, seq - 1)
    if (job.phase === 'finished') counter.add(job, { event: 'job:finished', ...run }, seq)
    if (job.phase === 'failed' && error !== null)
      counter.add(job, { event: 'job:failed', ...run, reason: 'x', error }, seq)
  }
  return {
    generation: 1,
    logGeneration: 1,
    logFromMs: 0,
    changes: counter.changes(),
    changesAfter: () => ({ spans: [], errors: [] }),
  }
}

function acceptedJob(n: number, createdMs: number): Job {
  const at = isoTime(createdMs)
  return {
    job_id: makeJobId(Math.floor(createdMs), newJobId(0).slice(-16)),
    object_id: n % 50 === 0 ? 'nightly' : `order-${(n * 7919) % OBJECTS}`,
    type: n % 1_000 === 1 ? 'audit' : (['resize', 'mail', 'import', 'sleep'][n % 4] ?? 'sleep'),
    priority: 'normal',
    tenant: null,
    phase: n < SCHEDULED ? 'scheduled' : 'waiting',
    round: 1,
    created_at: at,
    started_at: null,
    finished_at: null,
    due_at: null,
    payload: { customer: n, items: ['first', 'second', 'third'], note: 'as the customer wrote it, '.repeat(4) },
    timeout_ms: 46_000,
    max_attempts: 3,
    first_attempt: 1,
    backoff: { kind: 'exponential', base_ms: 1_000, max_ms: 60_000, jitter: 0.5 },
    callback_url: null,
    attempts: [],
    events: [{ seq: 3 * n + 1, event: 'job:created', at, attempt: 1 }],
    progress: null,
    result: null,
    error: null,
    reason: null,
    crashes: 0,
    seq: 3 * n + 1,
    updated_at: at,
  }
}

/** The phase in which a job ends; null: it does not end. */
function phaseOf(n: number, jobs: number): JobPhase | null {
  if (n < SCHEDULED || n >= jobs - 1_000) return null
  const share = (n * 31) % 1_000
  if (share < 20) return 'failed'
  return share < 25 ? 'cancelled' : 'finished'
}

function endedJob(job: Job, phase: JobPhase | null, n: number): Job | null {
  if (phase !== 'finished' && phase !== 'failed' && phase !== 'cancelled') return null
  const at = isoTime(Date.parse(job.created_at) + 1_500)
  const error =
    phase === 'finished'
      ? null
      : { name: 'TypeError', message: `no customer ${n} in region ${String.fromCharCode(97 + (n % 26))}` }
  const worker_id = 'job-V1StGXR8_Z5jdHi6'
  const { seq } = job
  return {
    ...job,
    phase,
    started_at: at,
    finished_at: at,
    updated_at: at,
    result: phase === 'finished' ? { sleep_time_used: 1_500 } : null,
    error,
    attempts: [{ attempt: 1, worker_id, started_at: at, ended_at: at, outcome: phase, error }],
    events: [
      ...job.events,
      { seq: seq + 1, event: 'job:started', at, attempt: 1, worker_id },
      { seq: seq + 2, event: `job:${phase}`, at, attempt: 1, worker_id },
    ],
    seq: seq + 2,
  }
}
