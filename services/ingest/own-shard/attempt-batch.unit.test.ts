import { expect, test } from 'vitest'
import { silentLog } from '../../../e2e/support/bus.ts'
import type { BatchHandler } from '../handlers/handler.ts'
import { attemptBatch } from './attempt-batch.ts'
import type { DeadLetter } from './dead-letters.ts'

const body = (n: number) => JSON.stringify({ timestamp: '2026-11-22T18:00:00Z', value: `v${n}` })

const alwaysStored = () => true

async function attempt(
  handler: BatchHandler,
  { failed = 0, bodies = [1, 2, 3].map(body), lost = false, isStored = alwaysStored } = {},
) {
  const dead: DeadLetter[] = []
  const control = new AbortController()
  if (lost) control.abort()
  const end = await attemptBatch(
    {
      shard: 0,
      handler,
      deadLetters: { put: async (letter) => isStored() && dead.push(letter) > 0 },
      leaseMs: 50,
      timeoutMs: 50,
      attemptsMax: 3,
      confirmOwned: async () => {},
      lost: control.signal,
      log: silentLog,
    },
    {
      batch: { batch: 7, worker: '0-1', from_seq: 1, to_seq: bodies.length, count: bodies.length, failed },
      messages: bodies.map((text, i) => ({ seq: i + 1, storedNs: '0', body: text, arrivedMs: 0 })),
    },
  )
  return { end, dead }
}

const refuse = () => {
  throw new Error('no')
}

test('a handler that returns nothing has done all', async () => {
  expect((await attempt({ run: () => {} })).end).toEqual({ batch: 7, done: 3, dead: 0, left: [] })
})

test('each message has its own outcome', async () => {
  const outcomes = ['done' as const, { retry: 'later' }, { failed: 'never' }]
  const { end, dead } = await attempt({ run: () => ({ outcomes }) })
  expect(end).toEqual({ batch: 7, done: 1, dead: 1, left: [2] })
  expect(dead).toMatchObject([{ message: { seq: 3 }, error: 'never', attempts: 1 }])
})

test('what is thrown leaves all for another attempt; after the last they are dead letters', async () => {
  expect((await attempt({ run: refuse }, { failed: 1 })).end).toMatchObject({ done: 0, left: [1, 2, 3] })
  const { end, dead } = await attempt({ run: refuse }, { failed: 2 })
  expect(end).toEqual({ batch: 7, done: 0, dead: 3, left: [] })
  expect(dead.map(({ error, attempts }) => [error, attempts])).toEqual(Array.from({ length: 3 }, () => ['no', 3]))
})

test('a dead letter that cannot be stored is tried again, and everything else has its turn meanwhile', async () => {
  let [tries, hadItsTurn] = [0, false]
  setImmediate(() => {
    hadItsTurn = true
  })
  const isStored = () => ++tries > 1 || hadItsTurn
  const { dead } = await attempt({ run: refuse }, { failed: 2, bodies: [body(1)], isStored })
  expect(dead).toHaveLength(1)
  expect(hadItsTurn).toBe(true)
})

test('a handler that is never to blame the messages for is tried for ever', async () => {
  expect((await attempt({ run: refuse, triesForEver: true }, { failed: 99 })).end).toMatchObject({ left: [1, 2, 3] })
})

test('a handler that does not listen is left to itself at the timeout', async () => {
  let aborted = false
  const run: BatchHandler['run'] = (_, { signal }) => {
    signal.addEventListener('abort', () => (aborted = true))
    return new Promise(() => {})
  }
  expect((await attempt({ run })).end).toMatchObject({ done: 0, left: [1, 2, 3] })
  expect(aborted).toBe(true)
})

test('a batch at which enough replicas died is not begun again', async () => {
  let runs = 0
  const { end } = await attempt({ run: () => void runs++ }, { failed: 3 })
  expect(end).toMatchObject({ dead: 3, left: [] })
  expect(runs).toBe(0)
})

test.each([[[]], [['done']], [['done', 'done', 'perhaps']], ['done']])(
  'outcomes that say nothing of use (%j) are a failure of all',
  async (outcomes) => {
    expect((await attempt({ run: () => ({ outcomes }) })).end).toMatchObject({ done: 0, left: [1, 2, 3] })
  },
)

test('a message that cannot be read is a dead letter, and the others get their own outcomes', async () => {
  const seen: unknown[] = []
  const run: BatchHandler['run'] = (messages) => {
    seen.push(...messages.map(({ value }) => value))
    return { outcomes: [{ retry: 'later' }, 'done'] }
  }
  const { end, dead } = await attempt({ run }, { bodies: [body(1), '{"value":', body(3)] })
  expect(seen).toEqual(['v1', 'v3'])
  expect(end).toEqual({ batch: 7, done: 1, dead: 1, left: [1] })
  expect(dead).toMatchObject([{ message: { seq: 2 } }])
})

test('once the shard is lost nothing is run', async () => {
  let runs = 0
  await attempt({ run: () => void runs++, triesForEver: true }, { lost: true })
  expect(runs).toBe(0)
})
