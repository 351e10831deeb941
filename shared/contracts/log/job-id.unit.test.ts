import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRIORITIES } from './job.ts'
import { isJobId, jobIdTimeMs, makeJobId, RANDOM_ALPHABET, RANDOM_LENGTH } from './job-id.ts'
import {
  ALL_HISTORY,
  dueSubject,
  eventSubject,
  historyFilter,
  historyFilterById,
  isTerminalEvent,
  JOB_EVENTS,
  JOBS_STREAM_SUBJECTS,
  laneFilters,
  parseSubject,
  TYPE_PATTERN,
  timerSubject,
} from './subjects.ts'

const lastTimeMs = 32 ** 9 - 1
const timeMs = fc.integer({ min: 0, max: lastTimeMs })
const random = fc.string({
  unit: fc.constantFrom(...RANDOM_ALPHABET.split('')),
  minLength: RANDOM_LENGTH,
  maxLength: RANDOM_LENGTH,
})
const jobId = fc.tuple(timeMs, random).map(([ms, chance]) => makeJobId(ms, chance))

describe('a job id', () => {
  test('is known for one, and says when it was made', () => {
    fc.assert(
      fc.property(timeMs, random, (ms, chance) => {
        const id = makeJobId(ms, chance)
        expect(isJobId(id)).toBe(true)
        expect(jobIdTimeMs(id)).toBe(ms)
        expect(id.endsWith(chance)).toBe(true)
      }),
    )
  })

  test('sorts by its time, as bytes do', () => {
    fc.assert(
      fc.property(timeMs, timeMs, random, random, (a, b, chanceA, chanceB) => {
        fc.pre(a !== b)
        expect(makeJobId(a, chanceA) < makeJobId(b, chanceB)).toBe(a < b)
      }),
    )
  })

  test('has room for a thousand years', () => {
    expect(lastTimeMs).toBeGreaterThan(Date.UTC(3000, 0))
  })

  test('is one token of letters and digits, so that it may stand in a subject and a path', () => {
    fc.assert(
      fc.property(jobId, (id) => {
        expect(id).toMatch(/^[0-9A-Za-z]{25}$/)
      }),
    )
  })

  test.each([
    '',
    '0'.repeat(24),
    '0'.repeat(26),
    `${'0'.repeat(25)}\n`,
    `u${'0'.repeat(24)}`,
    `I${'0'.repeat(24)}`,
    `${'0'.repeat(24)}*`,
    `${'0'.repeat(24)}>`,
    `${'0'.repeat(24)}.`,
    `${'0'.repeat(24)}é`,
    '{"$ne":null}',
    '../../etc/passwd',
  ])('%j is none', (text) => {
    expect(isJobId(text)).toBe(false)
  })
})

const type = fc.stringMatching(TYPE_PATTERN)
const address = fc.record({ type, priority: fc.constantFrom(...PRIORITIES), job_id: jobId })

/** Matches like the broker: `*` is one token, `>` is one or more at the end. */
function matches(filter: string, subject: string): boolean {
  const filterTokens = filter.split('.')
  const tokens = subject.split('.')
  if (filterTokens.at(-1) === '>') {
    const head = filterTokens.slice(0, -1)
    return tokens.length > head.length && head.every((token, i) => token === '*' || token === tokens[i])
  }
  return filterTokens.length === tokens.length && filterTokens.every((token, i) => token === '*' || token === tokens[i])
}

describe('a subject', () => {
  test('of an event is parsed to what it was made of', () => {
    fc.assert(
      fc.property(fc.constantFrom(...JOB_EVENTS), address, (event, job) => {
        expect(parseSubject(eventSubject(event, job))).toEqual({ event, ...job })
      }),
    )
  })

  test('of a timer or trigger is parsed too', () => {
    fc.assert(
      fc.property(address, (job) => {
        expect(parseSubject(timerSubject(job))).toEqual({ event: 'job:timer', ...job })
        expect(parseSubject(dueSubject(job))).toEqual({ event: 'job:due', ...job })
      }),
    )
  })

  test('is in the history of its own job alone, and timers and triggers are in none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...JOB_EVENTS), address, address, (event, job, other) => {
        fc.pre(job.job_id !== other.job_id)
        const subject = eventSubject(event, job)
        expect(matches(historyFilter(job), subject)).toBe(true)
        expect(matches(historyFilterById(job.job_id), subject)).toBe(true)
        expect(matches(ALL_HISTORY, subject)).toBe(true)
        expect(matches(historyFilter(other), subject)).toBe(false)
        for (const apart of [timerSubject(job), dueSubject(job)]) {
          for (const filter of [historyFilter(job), historyFilterById(job.job_id), ALL_HISTORY]) {
            expect(matches(filter, apart)).toBe(false)
          }
        }
      }),
    )
  })

  test('is taken by the stream by one of its subjects, so that they never overlap', () => {
    fc.assert(
      fc.property(fc.constantFrom(...JOB_EVENTS), address, (event, job) => {
        for (const subject of [eventSubject(event, job), timerSubject(job), dueSubject(job)]) {
          expect(JOBS_STREAM_SUBJECTS.filter((filter) => matches(filter, subject))).toHaveLength(1)
        }
      }),
    )
  })

  test('that can start a job is in its own lane and in the one of its type, and in no other', () => {
    fc.assert(
      fc.property(address, fc.constantFrom(...PRIORITIES), type, (job, priority, otherType) => {
        fc.pre(otherType !== job.type)
        const isIn = (lane: string[], subject: string) => lane.some((filter) => matches(filter, subject))
        for (const subject of [eventSubject('job:created', job), dueSubject(job)]) {
          expect(isIn(laneFilters(job.type, 'any'), subject)).toBe(true)
          expect(isIn(laneFilters(job.type, priority), subject)).toBe(priority === job.priority)
          expect(isIn(laneFilters(otherType, 'any'), subject)).toBe(false)
        }
        for (const event of JOB_EVENTS.filter((name) => name !== 'job:created')) {
          expect(isIn(laneFilters(job.type, 'any'), eventSubject(event, job))).toBe(false)
        }
      }),
    )
  })

  test.each([
    '',
    'job:created',
    'job:created.sleep.normal',
    'job:created.sleep.urgent.1',
    'job:made.sleep.normal.1',
    'live.job:created.sleep.normal.1',
  ])('"%s" is none of ours', (subject) => {
    expect(parseSubject(subject)).toBeNull()
  })

  test.each(['Sleep', '1st', '', 'a.b', 'a*', 'a>', 'a b', 't'.repeat(65), 'sleep\n'])(
    'cannot hold the type %j',
    (name) => {
      expect(TYPE_PATTERN.test(name)).toBe(false)
    },
  )
})

test('three events end a job', () => {
  expect(JOB_EVENTS.filter((event) => isTerminalEvent(event))).toEqual(['job:finished', 'job:cancelled', 'job:failed'])
})
