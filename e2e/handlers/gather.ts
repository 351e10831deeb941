import type { BatchContext, BatchItem, ItemOutcome } from 'hasty/handler'

interface Payload {
  group: string
  /** What becomes of it in its first attempt. */
  first?: 'retry' | 'failed'
}

/** Tells each job which jobs it was run together with. */
export const handler = {
  type: 'gather',
  batch: { size: 4, max_wait_ms: 500, key: '/group' },
  policy: { cooldown: false, backoff: { kind: 'fixed', base_ms: 20, max_ms: 20, jitter: 0 } },
  async run(items: BatchItem[], { log }: BatchContext): Promise<ItemOutcome[]> {
    log.info({ size: items.length }, 'gathered')
    await Promise.resolve()
    const together = items.map(({ objectId }) => objectId)
    return items.map(({ payload, attempt }) => {
      const { first } = payload as Payload
      if (attempt > 1 || first === undefined) return { result: { together, attempt } }
      return first === 'retry' ? { retry: 'not yet' } : { failed: 'never' }
    })
  },
}
