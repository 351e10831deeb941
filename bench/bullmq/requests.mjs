// The flow of ../requests.ts on BullMQ: 3 steps of 4 jobs that do nothing. A tree of FlowProducer gives a step (a parent
// that waits for its four children); the next step follows when that parent runs, because in a tree a job has one parent,
// so four jobs cannot wait for the same four. One process of jobs, as with Hasty.
// `redis-server --appendonly yes`, `npm install`, `node requests.mjs` here; REDIS_PORT is 6379.

import { FlowProducer, Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

const ALONE = 200
const AT_ONCE = 500
const STEPS = 3
const JOBS = ['a', 'b', 'c', 'd']
const connection = new Redis({ port: Number(process.env.REDIS_PORT ?? 6379), maxRetriesPerRequest: null })

const flows = new FlowProducer({ connection })
const queue = new Queue('jobs', { connection })
await queue.obliterate({ force: true })

/** Ends of requests, by their ids. */
const waiting = new Map()
/** Start of the first job and end of the last one of each step, by request, milliseconds. */
const times = new Map()

const addStep = (request, step) =>
  flows.add({
    name: 'step',
    queueName: 'jobs',
    data: { request, step },
    children: JOBS.map((name) => ({ name, queueName: 'jobs', data: { request, step } })),
  })

const worker = new Worker(
  'jobs',
  async ({ name, data: { request, step } }) => {
    if (name !== 'step') {
      const seen = times.get(request)
      seen[step] ??= { start: Date.now(), end: 0 }
      seen[step].end = Date.now()
      return
    }
    if (step + 1 < STEPS) await addStep(request, step + 1)
    else waiting.get(request)()
  },
  { connection, concurrency: 200 },
)
await worker.waitUntilReady()

let count = 0
async function run() {
  const request = count++
  times.set(request, [])
  const ended = new Promise((resolve) => waiting.set(request, resolve))
  await addStep(request, 0)
  await ended
  return times.get(request)
}

const at = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]

for (let n = 0; n < 20; n++) await run()
const gaps = []
const whole = []
for (let n = 0; n < ALONE; n++) {
  const startedMs = performance.now()
  const seen = await run()
  whole.push(performance.now() - startedMs)
  for (const step of [1, 2]) gaps.push(seen[step].start - seen[step - 1].end)
}
console.log(`step to step, one request at a time: p50 ${at(gaps, 0.5)} ms, p99 ${at(gaps, 0.99)} ms`)
console.log(`a whole request: p50 ${at(whole, 0.5).toFixed(1)} ms, p99 ${at(whole, 0.99).toFixed(1)} ms`)

const startedMs = performance.now()
await Promise.all(Array.from({ length: AT_ONCE }, run))
const seconds = (performance.now() - startedMs) / 1000
console.log(
  `${AT_ONCE} at once: ${(AT_ONCE / seconds).toFixed(1)} requests/s, ${((AT_ONCE * 12) / seconds).toFixed(0)} jobs/s`,
)

await worker.close()
await queue.close()
await flows.close()
connection.disconnect()
