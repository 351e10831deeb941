import type { BatchItem } from 'hasty/handler'
import { type Hostile, makeHostile } from '../hostile.ts'

export type HostileBatchPayload = { as: 'outcome' | 'result' | 'retry' | 'failed'; value: Hostile }

/** Tells outcomes that no worker expects, beside good ones. */
export const handler = {
  type: 'hostile-batch',
  batch: { size: 4, max_wait_ms: 50 },
  policy: {
    timeout_ms: 10_000,
    max_attempts: 2,
    cooldown: false,
    backoff: { kind: 'fixed', base_ms: 20, max_ms: 20, jitter: 0 },
  },
  run: (items: BatchItem[]) =>
    items.map(({ payload }) => {
      if (payload === null) return 'done'
      const { as, value } = payload as HostileBatchPayload
      const made = makeHostile(value)
      return as === 'outcome' ? made : { [as]: made }
    }),
}
