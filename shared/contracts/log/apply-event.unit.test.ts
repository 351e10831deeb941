import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEvent } from './apply-event.ts'
import { type JobEvent, jobEventSchema } from './events.ts'
import { isTerminal, type Job, statusOf } from './job.ts'
import { jobSpecOf } from './job-spec.ts'

const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString()
const job = { job_id: 'j', object_id: 'o', type: 'sleep' }
const spec = {
  ...job,
  priority: 'normal' as const,
  created_at: at(0),
  round: 1,
  timeout_ms: 46_000,
  max_attempts: 3,
  backoff: { kind: 'fixed' as const, base_ms: 1, max_ms: 1, jitter: 0 },
  crashes: 0,
}
const run = { worker_id: 'w', trigger: 1, crashes: 0, isolated: false }
const error = { name: 'Error', message: 'no' }

const created: JobEvent = { event: 'job:created', at: at(0), attempt: 1, ...spec }
const started = (n: number, attempt: number): JobEvent => ({ event: 'job:started', at: at(n), ...job, ...run, attempt })
const retrying = (n: number, attempt: number): JobEvent => ({
  event: 'job:retrying',
  ...spec,
  at: at(n),
  attempt,
  worker_id: 'w',
  due_at: at(n + 1),
  error,
})
const finished = (n: number, attempt: number): JobEvent => ({
  event: 'job:finished',
  at: at(n),
  ...job,
  attempt,
  worker_id: 'w',
  result: 7,
})

const fold = (events: JobEvent[]): Job | null =>
  events.reduce<Job | null>((state, event, i) => applyEvent(state, event, i + 1), null)

/** The events of one attempt: with a start of its own, or with the start in the outcome. */
const ends: JobEvent[] = [
  finished(2, 1),
  retrying(2, 1),
  { event: 'job:failed', at: at(2), ...job, attempt: 1, worker_id: 'w', reason: 'permanent', error },
]

test.each(ends)('a start in the outcome $event gives the same record as one before it', (end) => {
  const usual = fold([created, started(1, 1), end])
  const short = fold([created, { ...end, started_at: at(1) }])
  expect(short?.attempts).toMatchObject([{ attempt: 1, started_at: at(1), ended_at: at(2) }])
  expect({ ...short, seq: 3, events: [] }).toEqual({ ...usual, events: [] })
  expect(short?.events.at(-1)).toMatchObject({ event: end.event, started_at: at(1) })
})

/** Histories as the broker would store them: each event is one that may follow the one before. */
const history = fc.array(fc.nat({ max: 5 }), { maxLength: 12 }).map((choices) => {
  const events: JobEvent[] = [created]
  let attempt = 0
  let isRunning = false
  for (const choice of choices) {
    const n = events.length
    if (!isRunning) {
      attempt++
      events.push(started(n, attempt))
      isRunning = true
    } else if (choice <= 1) {
      events.push(retrying(n, attempt))
      isRunning = false
    } else if (choice === 2) {
      events.push({ event: 'job:released', at: at(n), ...job, ...run, attempt })
      isRunning = false
      attempt--
    } else if (choice === 3) {
      events.push({ event: 'job:progress', at: at(n), ...job, ...run, attempt, percent: n, message: null })
    } else if (choice === 4) {
      attempt++
      events.push(started(n, attempt))
    } else {
      events.push(finished(n, attempt))
      break
    }
  }
  return events
})

describe('applyEvent', () => {
  test('a job that was created waits as processing', () => {
    expect(fold([created])).toMatchObject({ phase: 'waiting', seq: 1, attempts: [] })
  })

  test('the whole way to finished keeps every attempt', () => {
    const state = fold([created, started(1, 1), retrying(2, 1), started(3, 2), finished(4, 2)])
    expect(state).toMatchObject({
      phase: 'finished',
      started_at: at(1),
      finished_at: at(4),
      due_at: null,
      result: 7,
      attempts: [
        { attempt: 1, round: 1, outcome: 'retrying', ended_at: at(2), error },
        { attempt: 2, round: 1, outcome: 'finished', ended_at: at(4), error: null },
      ],
    })
  })

  test('an attempt that is open when the next one starts has crashed', () => {
    expect(fold([created, started(1, 1), started(2, 2)])?.attempts).toMatchObject([
      { attempt: 1, outcome: 'crashed', ended_at: at(2) },
      { attempt: 2, outcome: null },
    ])
  })

  test('a released attempt and its next run have the same number', () => {
    const released: JobEvent = { event: 'job:released', at: at(2), ...job, ...run, attempt: 1 }
    expect(fold([created, started(1, 1), released, started(3, 1)])?.attempts).toMatchObject([
      { attempt: 1, outcome: 'released' },
      { attempt: 1, outcome: null },
    ])
  })

  test('a new round clears the outcome and keeps the attempts', () => {
    const again: JobEvent = { ...created, at: at(5), round: 2, attempt: 2 }
    expect(fold([created, started(1, 1), finished(2, 1), again])).toMatchObject({
      phase: 'waiting',
      round: 2,
      finished_at: null,
      result: null,
      attempts: [{ attempt: 1, outcome: 'finished' }],
    })
    expect(fold([created, started(1, 1), finished(2, 1), again, started(6, 2)])?.attempts).toMatchObject([
      { attempt: 1, round: 1 },
      { attempt: 2, round: 2 },
    ])
  })

  test('a history without its beginning is not shown', () => {
    expect(fold([started(1, 1), finished(2, 1)])).toBeNull()
    expect(applyEvent(null, { ...created, round: 2 }, 1)).toBeNull()
  })

  test('every event of a generated history is one of the contract', () => {
    fc.assert(fc.property(history, (events) => events.every((event) => jobEventSchema.safeParse(event).success)))
  })

  test('duplicates and replays from any earlier point change nothing', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (events, a, b) => {
        const whole = fold(events)
        const from = Math.min(a % events.length, b % events.length)
        let state = whole
        for (let i = from; i < events.length; i++) state = applyEvent(state, events[i] as JobEvent, i + 1)
        expect(state).toBe(whole)
      }),
    )
  })

  test('delivered in batches that overlap, the fold is the same', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 6 }), (events, steps) => {
        let state: Job | null = null
        let position = 0
        for (const step of [...steps, events.length]) {
          // Goes back a little and then forward, like an applier that resumes from an older checkpoint.
          position = Math.max(0, position - (step % 3))
          const end = Math.min(events.length, position + step + 3)
          for (; position < end; position++) state = applyEvent(state, events[position] as JobEvent, position + 1)
        }
        for (; position < events.length; position++)
          state = applyEvent(state, events[position] as JobEvent, position + 1)
        expect(state).toEqual(fold(events))
      }),
    )
  })

  test('in any order whatever, an ended job stays ended and its version never falls', () => {
    const shuffled = history.chain((events) =>
      fc.shuffledSubarray(
        events.map((event, i) => ({ event, seq: i + 1 })),
        { minLength: events.length },
      ),
    )
    fc.assert(
      fc.property(shuffled, (messages) => {
        let state: Job | null = null
        for (const { event, seq } of messages) {
          const next = applyEvent(state, event, seq)
          if (state !== null && next !== null) {
            expect(next.seq).toBeGreaterThanOrEqual(state.seq)
            if (isTerminal(state.phase)) expect(statusOf(next.phase)).toBe(statusOf(state.phase))
          }
          state = next
        }
      }),
    )
  })
})

test('of a job that is retried without end the last attempts are kept', () => {
  let state = applyEvent(null, created, 1)
  for (let n = 1; n <= 300; n++) {
    state = applyEvent(state, started(2 * n, n), 2 * n)
    state = applyEvent(state, retrying(2 * n + 1, n), 2 * n + 1)
  }
  expect(state?.attempts).toHaveLength(200)
  expect(state?.attempts.at(-1)).toMatchObject({ attempt: 300, outcome: 'retrying' })
  expect(state?.attempts[0]).toMatchObject({ attempt: 101 })
})

test('a job knows its parent, and by every event that names some the jobs that it made itself', () => {
  const child = (name: string) => ({ name, job_id: `id-${name}`, type: 'mail' })
  const again: JobEvent = { ...retrying(2, 1), parent_job_id: 'p', children: [child('a')] }
  const released: JobEvent = { event: 'job:released', at: at(4), ...job, ...run, attempt: 2, children: [child('b')] }
  // The worker that takes the job over knows what its trigger names, and what it has made itself.
  const end: JobEvent = { ...finished(6, 2), children: [child('a'), child('c')] }
  const folded = fold([{ ...created, parent_job_id: 'p' }, started(1, 1), again, started(3, 2), released, end])
  expect(folded).toMatchObject({ parent_job_id: 'p', children: ['a', 'b', 'c'].map(child) })
  expect(jobSpecOf(folded as Job)).toMatchObject({ parent_job_id: 'p', children: ['a', 'b', 'c'].map(child) })
  const alone = fold([created, started(1, 1), finished(2, 1)])
  for (const member of ['parent_job_id', 'children']) expect(alone).not.toHaveProperty(member)
})
