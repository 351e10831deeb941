import { expect, test } from 'vitest'
import { cannotStore } from '#shared/bus/write-probe.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import { jobEventSchema } from '#shared/contracts/log/events.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { newJobId } from '#shared/ids/ids.ts'
import { systemClock } from '#shared/time/clock.ts'
import { silentLog } from '../../../e2e/support/bus.ts'
import { endOfRound } from './end-of-round.ts'
import { sendCallbacks } from './send-callbacks.ts'

const at = '2027-01-01T00:00:00.000Z'
const about = { job_id: newJobId(Date.parse(at)), object_id: 'o', type: 'sleep', at }

/** The end of a job whose callback the broker refuses. */
function sendWith(thrown: Error): Promise<void> {
  const created = jobEventSchema.parse({
    event: 'job:created',
    ...about,
    priority: 'normal',
    created_at: at,
    round: 1,
    attempt: 1,
    crashes: 0,
    timeout_ms: 1_000,
    max_attempts: 1,
    backoff: DEFAULT_POLICY.backoff,
    callback_url: 'https://example.com/',
  })
  const failed = jobEventSchema.parse({ event: 'job:failed', ...about, reason: 'x', error: { name: 'E', message: '' } })
  const job = applyEvent(applyEvent(null, created, 1), failed, 2)
  const end = job === null ? null : endOfRound(job, failed, 2)
  if (end === null) throw new Error('not an end')
  return sendCallbacks(
    { history: { begin: () => Promise.reject(thrown) }, tracing: null, clock: systemClock, log: silentLog },
    [{ ...end, endedUnder: null }],
  )
}

test.each([unavailable('away'), cannotStore('the disk is full')])(
  'a callback that cannot be stored now keeps the checkpoint where it is: $code',
  async (error) => {
    await expect(sendWith(error)).rejects.toBe(error)
  },
)

test('one that never can be is passed over, so that other jobs are shown', async () => {
  await sendWith(new AppError('payload-too-large', 'too large'))
})
