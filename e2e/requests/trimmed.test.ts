import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startHasty } from '../support/hasty.ts'
import { make, step, untilLike } from './request-calls.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

test('a request goes on although the log has let go of how its job began', async () => {
  const env = { HANDLERS_DIR, COOLDOWN_MS: '0', LOG_RETENTION_MS: '0', HOUSEKEEPING_MS: '100' }
  await using hasty = await startHasty({ workflows: 1, env })
  const backoff = { kind: 'fixed', base_ms: 2_000, max_ms: 2_000, jitter: 0 }
  const moody = { name: 'j', type: 'moody', payload: { bad_attempts: 1 }, attempts: 2, backoff }
  const id = await make(hasty.url, { steps: [step('s', [moody]), step('t', [{ name: 'k', type: 'moody' }])] })
  const seen = await untilLike(hasty.url, id, { status: 'completed' })
  expect(seen.steps[0]?.jobs[0]).toMatchObject({ status: 'completed', result: { attempt: 2 } })
})
