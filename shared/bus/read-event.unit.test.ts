import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import { jobEventSchema, triggerEventSchema } from '#shared/contracts/log/events.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { isTerminalEvent, JOB_EVENTS } from '#shared/contracts/log/subjects.ts'
import { newJobId } from '#shared/ids/ids.ts'
import { parseForeign, readEvent } from './read-event.ts'

const jobId = newJobId(Date.parse('2027-01-01T00:00:00Z'))
const about = { job_id: jobId, object_id: 'o', type: 'sleep', at: '2027-01-01T00:00:01.000Z' }
const created = {
  event: 'job:created',
  ...about,
  priority: 'normal',
  created_at: about.at,
  round: 1,
  attempt: 1,
  crashes: 0,
  timeout_ms: 1_000,
  max_attempts: 3,
  backoff: DEFAULT_POLICY.backoff,
}
const failed = { event: 'job:failed', ...about, reason: 'permanent', error: { name: 'Error', message: 'no' } }
const messageOf = (event: string, body: string, seq = 2) => ({ subject: `${event}.sleep.normal.${jobId}`, seq, body })
const read = (event: string, body: unknown) => readEvent(messageOf(event, JSON.stringify(body)))

test('what can be read is read as it is', () => {
  expect(read('job:failed', failed)).toEqual(failed)
})

test('texts that are none are made texts, and nothing else is lost', () => {
  const wrong = { ...failed, reason: 5, error: { name: undefined, message: ['a', 'b'], code: 'E' }, extra: 1 }
  expect(read('job:failed', wrong)).toEqual({
    ...failed,
    reason: '5',
    error: { name: 'Error', message: 'a; b', code: 'E' },
    extra: 1,
  })
  const retrying = { ...created, event: 'job:retrying', worker_id: 'w', due_at: about.at, error: 'text' }
  expect(parseForeign(triggerEventSchema, JSON.stringify(retrying))).toMatchObject({ error: { message: 'text' } })
})

test('an end that cannot be read is an end all the same, and says so', () => {
  const why = {
    reason: 'unreadable',
    error: { name: 'Unreadable', message: expect.stringContaining('Message 2') as unknown },
  }
  for (const event of ['job:failed', 'job:cancelled', 'job:finished']) {
    for (const body of ['', '{', 'null', '[]', '{"event":"job:nothing"}'])
      expect(readEvent(messageOf(event, body))).toMatchObject({ event, job_id: jobId, object_id: '', ...why })
  }
  expect(read('job:failed', { ...about, event: 'job:failed' })).toMatchObject({ object_id: 'o', at: about.at, ...why })
  // Date.parse would take it for a day in 2001.
  expect(read('job:failed', { ...about, event: 'job:failed', at: '1' })).toMatchObject({
    at: '2027-01-01T00:00:00.000Z',
  })
})

test('what is nested thousands deep is not read, but counted', () => {
  const deep = `${'{"d":'.repeat(2_400)}1${'}'.repeat(2_400)}`
  const body = JSON.stringify({ event: 'job:finished', ...about, attempt: 1, worker_id: 'w' }).replace(
    /}$/,
    `,"result":${deep}}`,
  )
  expect(readEvent(messageOf('job:finished', body))).toMatchObject({
    event: 'job:finished',
    result: null,
    at: about.at,
  })
})

test('a timer or a trigger is no event', () => {
  expect(
    readEvent({ subject: `job:due.sleep.normal.${jobId}.t`, seq: 1, body: JSON.stringify(created) }),
  ).not.toBeNull()
  expect(readEvent({ subject: `job:due.sleep.normal.${jobId}.t`, seq: 1, body: '' })).toBeNull()
  expect(readEvent({ subject: 'other.thing', seq: 1, body: '' })).toBeNull()
})

test('whatever bodies a history has, its fold reaches the end of it, and ends with it', () => {
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({ event: fc.constantFrom(...JOB_EVENTS), error: fc.jsonValue(), message: fc.jsonValue() })
      .map((e) => JSON.stringify({ ...about, ...e })),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...JOB_EVENTS), body), { minLength: 1 }), (messages) => {
      let job: Job | null = applyEvent(null, jobEventSchema.parse(created), 1)
      for (const [i, [event, text]] of messages.entries()) {
        const next = readEvent(messageOf(event, text, i + 2))
        expect(next).not.toBeNull()
        if (next === null || next.job_id !== jobId) return
        job = applyEvent(job, next, i + 2)
        expect(job?.seq).toBe(i + 2)
        if (isTerminalEvent(event) && next.event === event) expect(isTerminal(job?.phase ?? 'waiting')).toBe(true)
      }
    }),
  )
})
