import { expect, test } from 'vitest'
import { createRegistry } from '#shared/process/metrics.ts'
import { systemClock } from '#shared/time/clock.ts'
import { silentLog, startTestBus } from '../../e2e/support/bus.ts'
import { IdempotencyKeys } from './idempotency-keys.ts'

test('of many claims of one key at once one is the first, also where they are committed in groups', async () => {
  await using bus = await startTestBus()
  const keys = new IdempotencyKeys({
    broker: bus.broker,
    config: { NATS_GROUP_COMMIT: true, KEYS_MAX: 1_000 },
    registry: createRegistry('test'),
    clock: systemClock,
    log: silentLog,
  })
  await keys.start()
  const claim = (n: number) => keys.claim({ tenant: null, space: 'jobs', key: `key-${n % 10}` }, { n: n % 10 })
  const claims = await Promise.all(Array.from({ length: 200 }, (_, n) => claim(n)))
  expect(claims.filter(({ isRepeat }) => !isRepeat)).toHaveLength(10)
  expect(new Set(claims.map(({ jobId }) => jobId)).size).toBe(10)
  await expect(keys.claim({ tenant: null, space: 'jobs', key: 'key-0' }, 'another')).rejects.toMatchObject({
    code: 'key-reused',
  })
  await keys.stop()
})
