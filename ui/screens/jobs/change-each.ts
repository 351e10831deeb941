import { call, codeOf } from '../../api.ts'

const AT_ONCE = 5
/** Refusals that say something about the one job, and nothing about the next. */
const ITS_OWN = new Set(['wrong-state', 'job-not-found', 'unknown-type'])

/**
 * Changes jobs one by one, a few at a time.
 * @returns how many were refused because of their state
 */
export async function changeEach(ids: readonly string[], change: (id: string) => Promise<unknown>): Promise<number> {
  const waiting = [...ids]
  let refused = 0
  const work = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      try {
        await change(id)
      } catch (error) {
        if (!ITS_OWN.has(codeOf(error) ?? '')) throw error
        refused++
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return refused
}

/** Starts a job that waits for its time. */
export const startNow = (id: string): Promise<unknown> => reschedule(id, { delay_ms: 0 })

export const reschedule = (id: string, body: { delay_ms: number } | { run_at: string }): Promise<unknown> =>
  call({ method: 'PATCH', path: `/v1/jobs/${encodeURIComponent(id)}`, body })
