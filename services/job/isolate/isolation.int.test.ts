import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { PermanentError } from '../handlers/handler.ts'
import type { MakeRequest } from '../make/make-request.ts'
import { ChildIsolation } from './isolation.ts'

const job = {
  jobId: 'p',
  type: 'maker',
  objectId: 'o',
  createdAt: '2027-01-01T00:00:00Z',
  attempt: 1,
  fencingToken: 1,
  traceparent: null,
  logLevel: 'fatal',
}

/** What a worker says when the handler of a child asks it to make a job. */
async function make({ name }: MakeRequest): Promise<string> {
  if (name === 'never') throw new PermanentError('there is no such type')
  if (name === 'later') throw Object.assign(new Error('the broker is away'), { name: 'AppError' })
  return Promise.resolve(`id-${name}`)
}

test('the worker makes the jobs that a handler in a process of its own asks for, and tells why it makes none', async () => {
  vi.stubEnv('HANDLERS_DIR', join(import.meta.dirname, '../../../e2e/handlers'))
  const place = await new ChildIsolation(1).reserve()
  const run = (...names: string[]) =>
    place.run({
      job: { ...job, payload: { makes: names.map((name) => ({ name, type: 'mail' })) } },
      signal: new AbortController().signal,
      onProgress: () => undefined,
      make,
    })
  try {
    expect(await run('a', 'b')).toEqual({ kind: 'returned', json: '["id-a","id-b"]' })
    const refused = { kind: 'threw', permanent: true, error: { message: 'there is no such type' } }
    expect(await run('a', 'never')).toMatchObject(refused)
    const away = { kind: 'threw', permanent: false, error: { name: 'AppError', message: 'the broker is away' } }
    expect(await run('later')).toMatchObject(away)
    // What cannot be made is refused where it was asked for.
    expect(await run('')).toMatchObject({ kind: 'threw', permanent: true, error: { name: 'PermanentError' } })
  } finally {
    place.leave()
  }
})

const children = () => process.getActiveResourcesInfo().filter((what) => what === 'ProcessWrap').length
const untilChildren = (count: number) => vi.waitFor(() => expect(children()).toBe(count), { timeout: 20_000 })

test('a child that is kept is taken by the next job, and replaced', async () => {
  const isolation = new ChildIsolation(2, 1)
  isolation.keep(1)
  await untilChildren(1)
  const place = await isolation.reserve()
  await untilChildren(2)
  place.leave()
  await untilChildren(1)
  isolation.keep(0)
  await untilChildren(0)
})

test('what was prepared beside the kept child ends when nobody needs it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const isolation = new ChildIsolation(4, 1)
  isolation.keep(1)
  isolation.prepare(3)
  expect(children()).toBeGreaterThan(0)
  await vi.advanceTimersByTimeAsync(60_000)
  vi.useRealTimers()
  await untilChildren(1)
  isolation.endSpares()
  await untilChildren(0)
})
