// A worker that adds up invoices, with the client library.
//   HASTY_URL=http://localhost:8080 HASTY_TOKEN=... node scripts/run.mjs examples/workers/invoice.ts
import { setTimeout as sleep } from 'node:timers/promises'
import { Hasty, runWorker, type WorkContext, WorkFailed } from '../../client/index.ts'

interface Invoice {
  number: string
  items: { text: string; count: number; cents: number }[]
}

const hasty = new Hasty({ url: process.env['HASTY_URL'] ?? 'http://localhost:8080', token: process.env['HASTY_TOKEN'] })

async function addUp(context: WorkContext): Promise<unknown> {
  const { number, items } = context.job.payload as Invoice
  if (items.length === 0) throw new WorkFailed({ message: `invoice ${number} has no items`, code: 'no-items' }, false)
  let total = 0
  for (const [n, { text, count, cents }] of items.entries()) {
    // What takes time in a real worker; it ends when the job was cancelled, its time is over or another worker has it.
    await sleep(100, undefined, { signal: context.signal })
    total += count * cents
    context.progress((100 * (n + 1)) / items.length, text)
  }
  return { number, total_cents: total }
}

// Until SIGTERM or Ctrl-C: what runs may end, the rest is handed back.
const stopping = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort())
await runWorker(
  hasty.work,
  {
    workerId: `node-${process.pid}-${crypto.randomUUID().slice(0, 8)}`,
    types: ['invoice'],
    concurrency: 4,
    run: addUp,
  },
  stopping.signal,
)
