import { describe, expect, test } from 'vitest'
import { jobView } from '#shared/contracts/http/jobs.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { eventSubject } from '#shared/contracts/log/subjects.ts'
import { checkInvariants, type Evidence } from './check-invariants.ts'
import type { Post } from './load.ts'
import type { Reading } from './poller.ts'
import type { LogEntry } from './read-log.ts'

const ID = '0123456789abcdefghijABCDE'
const OTHER_ID = '0123456789abcdefghijABCDF'
const address = { type: 'effect', priority: 'normal', job_id: ID } as const
const about = { job_id: ID, object_id: 'object-1', type: 'effect', at: '2026-01-01T00:00:00.000Z' }

const created: JobEvent = {
  event: 'job:created',
  ...about,
  priority: 'normal',
  created_at: about.at,
  round: 1,
  attempt: 1,
  crashes: 0,
  payload: null,
  timeout_ms: 1_000,
  max_attempts: 3,
  backoff: DEFAULT_POLICY.backoff,
}
const started: JobEvent = {
  event: 'job:started',
  ...about,
  attempt: 1,
  worker_id: 'w',
  trigger: 1,
  crashes: 0,
  isolated: false,
}
const finished: JobEvent = {
  event: 'job:finished',
  ...about,
  attempt: 1,
  worker_id: 'w',
  result: { fencing_token: 2 },
}

const entry = (seq: number, event: JobEvent, expectedSeq: number | null, timeMs = 1_000 + seq): LogEntry => ({
  seq,
  subject: eventSubject(event.event, { ...address, job_id: event.job_id }),
  timeMs,
  expectedSeq,
  event,
})

const reading = (startedMs: number, seq: number): Reading => ({
  job_id: ID,
  startedMs,
  endedMs: startedMs + 1,
  httpStatus: 200,
  seen: { status: seq === 3 ? 'finished' : 'processing', seq },
})

const post: Post = {
  startedMs: 0,
  endedMs: 5,
  object_id: 'object-1',
  type: 'effect',
  outcome: 'accepted',
  status: 201,
  job_id: ID,
}

const USUAL = [entry(1, created, null), entry(2, started, 1), entry(3, finished, 2)]

/** A run of one job in which nothing went wrong. */
function clean(log = USUAL, token = 2): Evidence & { log: LogEntry[] } {
  const job = log.reduce<Job | null>(
    (fold, { event, seq }) => (event === null ? fold : applyEvent(fold, event, seq)),
    null,
  )
  if (job === null) throw new Error('no job')
  return {
    cooldownMs: 10_000,
    posts: [post],
    readings: log.map(({ seq }) => reading(seq * 10, seq)),
    log,
    answers: [{ replica: 'api-0', job_id: ID, httpStatus: 200, view: jobView(job) }],
    stored: new Map([[ID, job]]),
    effects: [{ job_id: ID, fencing_token: token, attempt: 1, pid: 1, accepted: true }],
    lanes: [{ name: 'work-effect-normal', pending: 0, ackPending: 0 }],
    timers: [],
    processes: [{ name: 'api-0', rssBytes: 100_000_000 }],
    complaints: [],
  }
}

const lettersOf = (evidence: Evidence): string =>
  [...new Set(checkInvariants(evidence).map((one) => one.invariant))].join('')

test('a clean run has no violation', () => {
  expect(checkInvariants(clean())).toEqual([])
})

test('the token of an attempt that began on its delivery alone is that of the creation', () => {
  const end = { ...finished, result: { fencing_token: 1 } }
  const short = [entry(1, created, null), entry(2, { ...end, started_at: about.at }, 1)]
  expect(checkInvariants(clean(short, 1))).toEqual([])
  const late = [entry(1, created, null), entry(2, { ...started, fencing_token: 1 }, 1), entry(3, end, 2)]
  expect(checkInvariants(clean(late, 1))).toEqual([])

  expect(lettersOf(clean([entry(1, created, null), entry(2, { ...finished, started_at: about.at }, 1)], 1))).toBe('E')
  expect(lettersOf(clean([...late.slice(0, 2), entry(3, finished, 2)], 2))).toBe('E')
})

describe('the checker finds a planted violation:', () => {
  const run = clean()
  const [first, second, third] = run.log
  if (first === undefined || second === undefined || third === undefined) throw new Error('three events')
  const another = { ...created, job_id: OTHER_ID }
  const otherEnd = entry(12, { ...finished, job_id: OTHER_ID, result: null }, 11)

  test.each<[string, string, Partial<Evidence>]>([
    ['an accepted job without an end', 'ABH', { log: [first, second] }],
    ['an accepted job that is not in the log at all', 'AI', { log: [], effects: [], stored: new Map(), answers: [] }],
    ['a second end', 'BH', { log: [...run.log, entry(4, { ...finished, event: 'job:cancelled', reason: 'x' }, 3)] }],
    ['an event after the end', 'BEH', { log: [...run.log, entry(4, { ...started, attempt: 2 }, 3)] }],
    [
      'an event that was not compared with the one before it',
      'B',
      { log: [first, { ...second, expectedSeq: null }, third] },
    ],
    ['a status that goes back', 'C', { readings: [reading(10, 3), reading(20, 2)] }],
    [
      'a status that goes back for another caller',
      'C',
      { readings: [reading(10, 3), { ...reading(12, 2), endedMs: 90 }] },
    ],
    ['an accepted job that is not found', 'C', { readings: [{ ...reading(10, 1), httpStatus: 404, seen: null }] }],
    [
      'an object_id accepted twice within the cooldown',
      'DFH',
      { log: [...run.log, entry(11, another, null), otherEnd] },
    ],
    ['an effect twice under one token', 'E', { effects: [...run.effects, ...run.effects] }],
    [
      'an effect under a token that no start has',
      'E',
      { effects: [...run.effects, { ...run.effects[0]!, fencing_token: 9 }] },
    ],
    ['a result without its effect', 'E', { effects: [] }],
    [
      'a result of a start that was superseded',
      'EH',
      { log: [first, second, entry(3, { ...started, attempt: 2 }, 2), entry(4, finished, 3)] },
    ],
    ['a job that nobody asked for', 'F', { posts: [] }],
    ['a message that stays unacked', 'G', { lanes: [{ name: 'l', pending: 0, ackPending: 1 }] }],
    ['a message that stays undelivered', 'G', { lanes: [{ name: 'l', pending: 1, ackPending: 0 }] }],
    ['a timer that is left', 'G', { timers: ['job:timer.x'] }],
    ['a document that differs from the fold', 'H', { stored: new Map([[ID, { ...run.stored.get(ID)!, result: 7 }]]) }],
    ['a document that is missing', 'H', { stored: new Map() }],
    ['a replica that answers something else', 'H', { answers: [{ ...run.answers[0]!, httpStatus: 404, view: null }] }],
    [
      'an answer that is none of ours',
      'I',
      { posts: [post, { ...post, outcome: 'unexpected', status: 500, job_id: null }] },
    ],
    ['a 201 that names the job of another object_id', 'I', { posts: [post, { ...post, object_id: 'object-2' }] }],
    ['a process that grew too large', 'J', { processes: [{ name: 'api-0', rssBytes: 1e9 }] }],
    ['an unhandled rejection', 'J', { complaints: ['api-0: unhandled rejection'] }],
  ])('%s (%s)', (_what, letters, change) => {
    expect(lettersOf({ ...clean(), ...change })).toBe(letters)
  })

  test('what was seen at the same time is no order', () => {
    expect(lettersOf({ ...run, readings: [{ ...reading(10, 3), endedMs: 30 }, reading(20, 2)] })).toBe('')
  })

  test('an unanswered post may have made one job, not two', () => {
    const unknown: Post = { ...post, outcome: 'unknown', status: 503, job_id: null }
    expect(lettersOf({ ...run, posts: [unknown] })).toBe('')
    const late = entry(11, another, null, 50_000)
    expect(lettersOf({ ...run, posts: [unknown], log: [...run.log, late, otherEnd] })).toBe('FH')
  })
})
