import type { Context } from 'hasty/handler'
import type { Effect } from './effect-sink.ts'

// The handlers' side of the sink: runs inside the workers.

/** @throws when the sink has seen a higher token of this job */
export async function sendEffect(context: Context): Promise<void> {
  const effect: Effect = {
    job_id: context.jobId,
    fencing_token: context.fencingToken,
    attempt: context.attempt,
    pid: process.pid,
  }
  const response = await fetch(process.env.EFFECT_SINK_URL ?? '', { method: 'POST', body: JSON.stringify(effect) })
  if (!response.ok) throw new Error(`the sink refused token ${context.fencingToken}: ${await response.text()}`)
}

/** Ends early, with a throw, when the job is called back. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    })
  })
}
