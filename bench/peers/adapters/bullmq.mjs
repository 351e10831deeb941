import { FlowProducer, Queue, Worker } from 'bullmq'
import { nanoid } from 'nanoid'

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }
const QUEUE = 'jobs'
const STEPS = 3
const JOBS = ['a', 'b', 'c', 'd']

export async function producer() {
  const queue = new Queue(QUEUE, { connection })
  await queue.waitUntilReady()
  return async (data) => (await queue.add('job', data)).id
}

/**
 * Requests of 3 steps of 4 jobs. A tree of FlowProducer gives a step: a parent that waits for its four children. The
 * next step follows when that parent runs, because in a tree a job has one parent, so four jobs cannot wait for the same
 * four.
 */
export async function requests() {
  const flows = new FlowProducer({ connection })
  await flows.waitUntilReady()
  return async ({ t }) => {
    const request = nanoid()
    await addStep(flows, { request, step: 0, t })
    return request
  }
}

const addStep = (flows, data) =>
  flows.add({
    name: 'step',
    queueName: QUEUE,
    data,
    children: JOBS.map((name) => ({ name, queueName: QUEUE, data })),
  })

export async function consumer(hit, concurrency) {
  const flows = new FlowProducer({ connection })
  const handler = async ({ name, data }) => {
    if (name !== 'step') hit(data.t)
    else if (data.step + 1 < STEPS) await addStep(flows, { ...data, step: data.step + 1 })
  }
  const worker = new Worker(QUEUE, handler, { connection, concurrency, maxStalledCount: 1 })
  worker.on('error', (error) => console.error(error))
  const queue = new Queue(QUEUE, { connection })
  await worker.waitUntilReady()
  return {
    depth: async () => {
      const counts = await queue.getJobCounts('waiting', 'active', 'prioritized', 'delayed', 'waiting-children')
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    close: async () => {
      await worker.close()
      await flows.close()
      await queue.close()
    },
  }
}
