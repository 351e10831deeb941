import { Pool } from 'pg'
import { PgBoss } from 'pg-boss'

const QUEUE = 'jobs'
const connectionString = process.env.PG_URL

async function start(options) {
  const boss = new PgBoss({ connectionString, max: 20, ...options })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  await boss.createQueue(QUEUE, { notify: true })
  return boss
}

export async function producer() {
  const boss = await start({ schedule: false, supervise: false, useListenNotify: false })
  return (data) => boss.send(QUEUE, data)
}

export async function consumer(hit) {
  const boss = await start({ schedule: false, useListenNotify: true })
  // The settings that its documentation recommends for throughput.
  const options = { batchSize: 500, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }
  await boss.work(QUEUE, options, async (jobs) => {
    for (const job of jobs) hit(job.data.t)
  })
  const pool = new Pool({ connectionString, max: 1 })
  const waiting = "select count(*) n from pgboss.job where name = 'jobs' and state < 'completed'"
  return {
    depth: async () => Number((await pool.query(waiting)).rows[0].n),
    close: async () => {
      await boss.stop({ graceful: true, timeout: 5_000 })
      await pool.end()
    },
  }
}
