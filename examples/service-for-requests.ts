// A service that the jobs of a request call back: what it answers decides what becomes of the job, and of the request.
//   PORT=4000 node scripts/run.mjs examples/service-for-requests.ts
//   URL_SERVICE1=http://localhost:4000 npm start
//   npx hasty requests create examples/order.json --wait 1m
import { createServer, type IncomingMessage } from 'node:http'

/** The body of every call. */
interface Call {
  request_id: string
  job_id: string
  job: string
  attempt: number
  params: { order: number; amount: number }
  extras: Record<string, unknown>
  payload?: unknown
}

/** `extras` are merged into the request's; `result` is shown with the job; `retry` is tried again, `failure` never. */
interface Answer {
  status?: 'success' | 'failure' | 'retry'
  extras?: Record<string, unknown>
  result?: unknown
  error?: string
}

/**
 * The work by type. A crash between the work and its answer makes the same call again, so the work must be safe to
 * repeat: its job_id is the same each time.
 */
const work: Record<string, (call: Call) => Answer> = {
  '/reserve': ({ job_id }) => ({ extras: { reservation: `r-${job_id.slice(-6)}` } }),
  '/release': ({ extras }) => ({ result: `released ${String(extras['reservation'])}` }),
  '/charge': ({ params, attempt, job_id }) => {
    if (params.amount > 1_000) return { status: 'failure', error: 'The card was declined.' }
    // The first call of a bank is never answered in time.
    if (attempt === 1) return { status: 'retry', error: 'The bank does not answer.' }
    return { extras: { payment: `p-${job_id.slice(-6)}` } }
  },
  '/refund': ({ extras }) => ({ result: `refunded ${String(extras['payment'])}` }),
  '/pack': ({ payload }) => ({ result: `packed ${String(payload)}` }),
  '/label': ({ params, extras }) => ({ extras: { label: `order ${params.order}, ${String(extras['payment'])}` } }),
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString())
}

const server = createServer(async (request, response) => {
  const run = work[request.url ?? '']
  const call = (await readJson(request).catch(() => null)) as Call | null
  if (run === undefined || call === null) {
    response.writeHead(404).end()
    return
  }
  const answer = run(call)
  console.log(`${call.job}, attempt ${call.attempt}: ${JSON.stringify(answer)}`)
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
})

const { PORT = '4000' } = process.env
server.listen(Number(PORT), () => console.log(`listening on ${PORT}`))
