import { expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { getFrom } from '../support/call.ts'
import { startInProcess } from '../support/hasty.ts'
import { make, napping, requestsAt, SOON, step } from './request-calls.ts'

test('a list says how old it is: whatever was accepted until then is in it, also at another replica', async () => {
  await using hasty = await startInProcess({ jobs: 1, workflows: 2 })
  const [here = '', there = ''] = hasty.workflow.map(({ url }) => url)
  // It rests for longer than the test takes, without an ack of its delivery.
  await make(here, { steps: [{ name: 'wait', sleep_ms: 3_600_000 }] })
  for (let n = 0; n < 20; n++) {
    const id = await make(here, { steps: [step('one', napping(1, 'a'))] })
    const acceptedMs = Date.now()
    const isListed = vi.waitFor(async () => {
      const { body } = await getFrom(`${requestsAt(there)}?limit=1`)
      const { as_of: asOf, lag_ms: lagMs, items } = body as { as_of: string; lag_ms: number; items: RequestView[] }
      expect(lagMs).toBeLessThan(5_000)
      expect(Date.parse(asOf)).toBeGreaterThan(acceptedMs)
      return items
    }, SOON)
    expect(await isListed).toMatchObject([{ request_id: id }])
  }
})
