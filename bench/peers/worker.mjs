// The worker process of every peer of Node: its handler records that it started, and returns.
import { hit, serve } from './stats.mjs'

const CLOSE_WITHIN_MS = 8_000

const { consumer } = await import(`./adapters/${process.env.ADAPTER}.mjs`)
const { depth, close } = await consumer(hit, Number(process.env.CONCURRENCY))
await serve(depth)
console.log('ready')

process.once('SIGTERM', async () => {
  setTimeout(() => process.exit(1), CLOSE_WITHIN_MS).unref()
  await close().catch((error) => console.error(error))
  process.exit(0)
})
