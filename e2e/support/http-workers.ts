import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { send } from './call.ts'
import type { EffectSink } from './effect-sink.ts'
import type { Hasty } from './hasty.ts'

export const LENT_TYPE = 'lent'

export interface WorkersOptions {
  processes: number
  /** Workers in each process. */
  each: number
  leaseS: number
}

export type HttpWorkerProcesses = AsyncDisposable & {
  readonly processes: ChildProcess[]
  /** Starts one more process in place of the n-th. */
  replace(n: number): void
}

/** Registers the type that HTTP workers run, and waits until every api knows it: the others learn of it a moment later. */
export async function registerLent({ url, api }: Pick<Hasty, 'url' | 'api'>): Promise<void> {
  const backoff = { kind: 'fixed', base_ms: 300, max_ms: 300, jitter: 0.5 }
  const policy = { timeout_ms: 60_000, max_attempts: 6, max_crashes: 20, backoff }
  const body = {
    runner: 'http',
    policy,
    payload_schema: { type: 'object', properties: { ms: { type: 'integer' } }, required: ['ms'] },
  }
  expect(await send('PUT', `${url}/v1/types/${LENT_TYPE}`, body)).toMatchObject({ status: 201 })
  for (const replica of api)
    await vi.waitFor(
      async () => {
        const refused = await send('POST', `${replica.url}/v1/jobs`, {
          object_id: 'none',
          type: LENT_TYPE,
          payload: {},
        })
        expect(refused.body).toMatchObject({ code: 'invalid-payload' })
      },
      { timeout: 10_000, interval: 50 },
    )
}

/** Workers over plain HTTP, in processes of their own. */
export function startHttpWorkers(
  { url }: Pick<Hasty, 'url'>,
  sink: EffectSink,
  { processes, each, leaseS }: WorkersOptions,
): HttpWorkerProcesses {
  const env = {
    ...process.env,
    HASTY_URL: url,
    EFFECT_SINK_URL: sink.url,
    WORKERS: String(each),
    LEASE_S: String(leaseS),
    TYPE: LENT_TYPE,
  }
  const file = join(import.meta.dirname, 'http-worker-process.ts')
  const start = () => spawn(process.execPath, [file], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const children = Array.from({ length: processes }, start)
  return {
    processes: children,
    replace(n) {
      children[n] = start()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const gone = once(child, 'exit')
          child.kill('SIGKILL')
          await gone
        }),
      )
    },
  }
}
