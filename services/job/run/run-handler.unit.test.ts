import { expect, test } from 'vitest'
import { z } from 'zod'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'
import { silentLog } from '../../../e2e/support/bus.ts'
import type { JobHandler } from '../handlers/handler.ts'
import type { Context } from '../handlers/handler-types.ts'
import { contextVerbs, RESULT_MAX_BYTES, runHandler } from './run-handler.ts'

const context: Context = {
  ...contextVerbs,
  jobId: 'j',
  objectId: 'o',
  createdAt: '2026-11-22T08:00:00.000Z',
  attempt: 1,
  fencingToken: 7,
  traceparent: null,
  signal: new AbortController().signal,
  log: silentLog,
  progress: () => undefined,
  create: () => expect.unreachable(),
}

const outcomeOf = (run: JobHandler['run'], schema: z.ZodType | null = null, payload: unknown = null) =>
  runHandler({ type: 't', policy: DEFAULT_POLICY, schema, run }, payload, context)

test('a value becomes the result, nothing becomes null', async () => {
  expect(await outcomeOf(() => ({ a: 1 }))).toEqual({ kind: 'returned', json: '{"a":1}' })
  expect(await outcomeOf(() => undefined)).toEqual({ kind: 'returned', json: 'null' })
})

test('a plain throw may be tried again, whatever was thrown', async () => {
  for (const thrown of [new Error('no'), 'no', { code: 5 }, undefined]) {
    // oxlint-disable-next-line typescript/only-throw-error -- that is the point: users' code throws anything
    const outcome = await outcomeOf(() => Promise.reject(thrown))
    expect(outcome).toMatchObject({ kind: 'threw', permanent: false, reason: 'attempts_exhausted', delayMs: null })
  }
})

test('retryLater() waits as long as a job may at most, and does not believe in what is no delay', async () => {
  const delayOf = (asked: number) => outcomeOf((_payload, { retryLater }) => retryLater(asked))
  for (const asked of [1e15, Number.MAX_SAFE_INTEGER, Infinity])
    expect(await delayOf(asked)).toMatchObject({ delayMs: DELAY_MAX_MS })
  for (const asked of [Number.NaN, -1]) expect(await delayOf(asked)).toMatchObject({ kind: 'threw', delayMs: null })
})

test('fail() ends it for good, retryLater() names its delay', async () => {
  expect(await outcomeOf((_payload, { fail }) => fail('never'))).toMatchObject({
    permanent: true,
    reason: 'permanent',
    error: { message: 'never' },
  })
  expect(await outcomeOf((_payload, { retryLater }) => retryLater(5_000))).toMatchObject({
    permanent: false,
    delayMs: 5_000,
  })
})

test('what is handed to fail() and retryLater() is told whatever it is, an error with its causes', async () => {
  const caught = new Error('no such file', { cause: new Error('disk gone') })
  const failing = (reason: unknown) => outcomeOf((_payload, { fail }) => fail(reason as string))
  expect(await failing(caught)).toMatchObject({
    permanent: true,
    error: { name: 'PermanentError', message: 'no such file', causes: [{ message: 'disk gone' }] },
  })
  expect(await failing(undefined)).toMatchObject({ error: { message: 'failed permanently, without a reason' } })
  expect(await failing({ why: 5 })).toMatchObject({ error: { message: '{"why":5}' } })
  expect(await outcomeOf((_payload, { retryLater }) => retryLater(5, caught as unknown as string))).toMatchObject({
    error: { message: 'no such file' },
  })
})

test('an error that only has the name counts too: a user file cannot import our class', async () => {
  const named = Object.assign(new Error('never'), { name: 'PermanentError' })
  expect(await outcomeOf(() => Promise.reject(named))).toMatchObject({ permanent: true })
})

test('a payload that does not fit is a permanent failure that says where', async () => {
  const outcome = await outcomeOf(() => 1, z.object({ width: z.number() }), { width: 'x' })
  expect(outcome).toMatchObject({
    permanent: true,
    reason: 'invalid_payload',
    error: { message: expect.stringContaining('/width') },
  })
})

test('the handler gets what the schema made of the payload', async () => {
  const schema = z.object({ width: z.number().default(5) })
  expect(await outcomeOf((payload) => payload, schema, {})).toEqual({ kind: 'returned', json: '{"width":5}' })
})

test('a schema that throws is a failure of the attempt, not of the worker', async () => {
  const schema = z.string().transform(() => {
    throw new Error('odd')
  })
  expect(await outcomeOf(() => 1, schema, 'x')).toMatchObject({
    kind: 'threw',
    permanent: false,
    error: { message: 'odd' },
  })
})

test('a result that is too large or no JSON is a permanent failure', async () => {
  expect(await outcomeOf(() => 'x'.repeat(RESULT_MAX_BYTES))).toMatchObject({
    permanent: true,
    reason: 'result_too_large',
  })
  expect(await outcomeOf(() => 1n)).toMatchObject({ permanent: true, reason: 'result_not_json' })
})

test('no stack and no more than 2,000 characters of a message are kept', async () => {
  const outcome = await outcomeOf(() => Promise.reject(new Error('m'.repeat(10_000))))
  expect(JSON.stringify(outcome).length).toBeLessThan(2_300)
})
