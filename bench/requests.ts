// The cost of a request: 3 steps of 4 jobs that do nothing, through one api, one job and one workflow service. Latency
// one request at a time; throughput many at once. `node bench/requests.ts` (Node 24).
import { setTimeout as pause } from 'node:timers/promises'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { startHasty } from '../e2e/support/hasty.ts'

const ALONE = Number(process.env['HASTY_ALONE'] ?? 200)
const AT_ONCE = Number(process.env['HASTY_AT_ONCE'] ?? 500)
const HANDLERS_DIR = new URL('./handlers', import.meta.url).pathname

const steps = ['one', 'two', 'three'].map((name) => ({
  name,
  jobs: ['a', 'b', 'c', 'd'].map((job) => ({ name: job, type: 'noop' })),
}))

await using hasty = await startHasty({
  apis: 1,
  jobs: 1,
  workflows: 1,
  env: { HANDLERS_DIR, LOG_LEVEL: 'warn', JOB_SLOTS: '200' },
})
const url = hasty.workflow[0]?.url ?? ''

async function create(): Promise<string> {
  const response = await fetch(`${url}/v1/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ steps }),
  })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  return ((await response.json()) as { request_id: string }).request_id
}

async function untilCompleted(id: string, everyMs: number): Promise<RequestView> {
  for (;;) {
    const request = (await (await fetch(`${url}/v1/requests/${id}`)).json()) as RequestView
    if (request.finished_at !== null) return request
    await pause(everyMs)
  }
}

/**
 * Time from the end of a step's last job to the first start of a job of the next step, by their own timestamps: whole
 * milliseconds.
 */
function gaps({ steps: done }: RequestView): number[] {
  const endOf = (n: number) => Math.max(...(done[n]?.jobs ?? []).map((job) => Date.parse(job.ended_at ?? '')))
  const startOf = (n: number) =>
    Math.min(...(done[n]?.jobs ?? []).map((job) => Date.parse(job.attempts[0]?.started_at ?? '')))
  return [1, 2].map((n) => startOf(n) - endOf(n - 1))
}

const at = (values: number[], share: number) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]

for (let n = 0; n < 20; n++) await untilCompleted(await create(), 5)
const alone: RequestView[] = []
for (let n = 0; n < ALONE; n++) alone.push(await untilCompleted(await create(), 5))
const between = alone.flatMap(gaps)
const whole = alone.map(({ created_at, finished_at }) => Date.parse(finished_at ?? '') - Date.parse(created_at))
process.stdout.write(`step to step, one request at a time: p50 ${at(between, 0.5)} ms, p99 ${at(between, 0.99)} ms\n`)
process.stdout.write(`a whole request: p50 ${at(whole, 0.5)} ms, p99 ${at(whole, 0.99)} ms\n`)

const startedMs = performance.now()
const ids = await Promise.all(Array.from({ length: AT_ONCE }, create))
for (const id of ids) await untilCompleted(id, 50)
const seconds = (performance.now() - startedMs) / 1000
process.stdout.write(
  `${AT_ONCE} at once: ${(AT_ONCE / seconds).toFixed(1)} requests/s, ${((AT_ONCE * 12) / seconds).toFixed(0)} jobs/s\n`,
)
