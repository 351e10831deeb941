import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { Pool } from 'pg'

const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message)
})
const openPool = () => new Pool({ connectionString: process.env.PG_URL, max: 20 })

export async function producer() {
  const utils = await makeWorkerUtils({ pgPool: openPool(), logger })
  await utils.migrate()
  return async (data) => (await utils.addJob('job', data)).id
}

export async function consumer(hit, concurrency) {
  const pgPool = openPool()
  pgPool.on('error', (error) => console.error(error))
  const job = async (payload) => {
    hit(payload.t)
  }
  const runner = await run({
    pgPool,
    logger,
    concurrency,
    noHandleSignals: true,
    pollInterval: 2_000,
    taskList: { job },
    // The settings that its documentation recommends for throughput.
    preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  })
  return {
    depth: async () => Number((await pgPool.query('select count(*) n from graphile_worker.jobs')).rows[0].n),
    close: async () => {
      await runner.stop()
      await pgPool.end()
    },
  }
}
