import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** A handler's effect on the outside world: one for each start, under that start's fencing token. */
export interface Effect {
  job_id: string
  fencing_token: number
  attempt: number
  pid: number
}

export interface ReceivedEffect extends Effect {
  /** False when the sink had seen a higher token (or this very one) of the job. */
  accepted: boolean
}

export type EffectSink = AsyncDisposable & {
  readonly url: string
  /** Every effect that has come so far, in order. */
  effects(): Promise<ReceivedEffect[]>
}

/**
 * The outside world: accepts an effect only under a token higher than all earlier ones of that job. It has a thread of
 * its own, because a test that sends and reads jobs is busy for seconds: with the sink in its loop, attempts timed out.
 */
export async function startEffectSink(): Promise<EffectSink> {
  const thread = new Worker(new URL('./effect-sink-thread.ts', import.meta.url))
  const [port] = (await once(thread, 'message')) as [number]
  const url = `http://127.0.0.1:${port}/`
  return {
    url,
    effects: async () => (await (await fetch(url)).json()) as ReceivedEffect[],
    [Symbol.asyncDispose]: async () => void (await thread.terminate()),
  }
}
