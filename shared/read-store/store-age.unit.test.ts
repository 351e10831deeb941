import { expect, test } from 'vitest'
import type { Checkpoint } from '#shared/stores/jobs/job-store.ts'
import { storeAge } from './store-age.ts'

const NOW = Date.parse('2026-11-22T12:00:10.000Z')
const checkpoint: Checkpoint = {
  revision: 1,
  generation: 1,
  seq: 50,
  rebuild_until: 0,
  log_generation: 1,
  stream_created: 'this log',
  as_of: '2026-11-22T12:00:03.000Z',
  owner: 'k',
  beat: 1,
}
const log = { firstSeq: 1, lastSeq: 50, created: 'this log', messages: 50, bytes: 0, subjects: 50 }

const ageOf = (parts: { checkpoint?: Checkpoint | null; log?: Partial<typeof log> | Error; isUp?: boolean }) =>
  storeAge({
    view: { refresh: async () => (parts.checkpoint === undefined ? checkpoint : parts.checkpoint) },
    stream: {
      state: async () => {
        if (parts.log instanceof Error) throw parts.log
        return { ...log, ...parts.log }
      },
    },
    broker: { isUp: () => parts.isUp ?? true },
    clock: { now: () => NOW, monotonic: () => 0 },
  })

const CURRENT = { as_of: '2026-11-22T12:00:10.000Z', lag_ms: 0 }
const BEHIND = { as_of: '2026-11-22T12:00:03.000Z', lag_ms: 7_000 }

test.each([
  ['everything is applied', {}, CURRENT],
  ['events are missing', { log: { lastSeq: 51 } }, BEHIND],
  ['the log is another one', { log: { created: 'another log', lastSeq: 3 } }, BEHIND],
  ['the broker is away', { isUp: false }, BEHIND],
  ['the broker does not answer', { log: new Error('timeout') }, BEHIND],
  ['there is no store yet', { checkpoint: null }, { as_of: null, lag_ms: null }],
  [
    'an older keeper writes the checkpoint',
    { checkpoint: { ...checkpoint, seq: 1, as_of: '' } },
    { as_of: null, lag_ms: null },
  ],
] as const)('where %s', async (_, parts, expected) => {
  expect(await ageOf(parts as Parameters<typeof ageOf>[0])).toEqual(expected)
})

test('a clock behind that of the keeper gives no negative age', async () => {
  const ahead = { ...checkpoint, seq: 1, as_of: '2026-11-22T12:00:11.000Z' }
  expect(await ageOf({ checkpoint: ahead })).toEqual({ as_of: ahead.as_of, lag_ms: 0 })
})
