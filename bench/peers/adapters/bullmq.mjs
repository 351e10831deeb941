import { Queue, Worker } from 'bullmq'

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }

export async function producer() {
  const queue = new Queue('jobs', { connection })
  await queue.waitUntilReady()
  return async (data) => (await queue.add('job', data)).id
}

export async function consumer(hit, concurrency) {
  const handler = async (job) => {
    hit(job.data.t)
  }
  const worker = new Worker('jobs', handler, { connection, concurrency, maxStalledCount: 1 })
  worker.on('error', (error) => console.error(error))
  const queue = new Queue('jobs', { connection })
  await worker.waitUntilReady()
  return {
    depth: async () => {
      const counts = await queue.getJobCounts('waiting', 'active', 'prioritized', 'delayed')
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    close: async () => {
      await worker.close()
      await queue.close()
    },
  }
}
