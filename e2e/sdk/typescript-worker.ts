// The worker of sdk/conformance/scenarios.json with the client library: its handler does what the payload says.
//   HASTY_URL=http://localhost:8080 node e2e/sdk/typescript-worker.ts
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hasty, runWorker, type WorkContext, WorkFailed } from '../../client/index.ts'

interface Instruction {
  do: string
  message?: string
  code?: string
  delay_ms?: number
  ms?: number
  percent?: number
  data?: unknown
  levels?: number
  result?: unknown
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])

async function handle(context: WorkContext): Promise<unknown> {
  const { job, signal } = context
  const { attempts } = job.payload as { attempts: [Instruction, ...Instruction[]] }
  const todo = attempts[Math.min(job.attempt, attempts.length) - 1] ?? attempts[0]
  const { message = '', code, delay_ms: delayMs = 0, ms = 0, percent = 0, data, levels = 0 } = todo
  switch (todo.do) {
    case 'fail':
      throw new Error(message)
    case 'fail_unsendable':
      throw new Error('bad \ud800 x')
    case 'fail_permanently':
      throw new WorkFailed({ message, ...(code === undefined ? {} : { code }) }, false)
    case 'retry_later':
      throw new WorkFailed({ message }, { delay_ms: delayMs })
    case 'complete_nested':
      return nested(levels)
    case 'tell':
      return {
        attempt: job.attempt,
        max_attempts: job.max_attempts,
        has_fencing_token: job.fencing_token > 0,
        has_deadline: job.deadline_at !== '',
      }
    case 'never_end':
      await once(signal, 'abort')
      return null
    case 'progress':
      context.progress(percent, message === '' ? undefined : message, data)
      break
  }
  if (ms > 0) await sleep(ms, undefined, { signal })
  return todo.result
}

const { HASTY_URL: url = 'http://localhost:8080', HASTY_TOKEN: token, HASTY_TYPE: type = 'conformance' } = process.env
const { CONCURRENCY = '8', LEASE_S = '5', DRAIN_S = '10' } = process.env
const stopping = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort())
await runWorker(
  new Hasty({ url, token }).work,
  {
    workerId: `typescript-${process.pid}-${crypto.randomUUID().slice(0, 8)}`,
    types: [type],
    concurrency: Number(CONCURRENCY),
    leaseS: Number(LEASE_S),
    drainMs: Number(DRAIN_S) * 1_000,
    run: handle,
  },
  stopping.signal,
)
