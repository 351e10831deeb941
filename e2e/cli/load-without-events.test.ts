import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { runLoad } from '../../cli/load/run-load.ts'
import { Hasty as Client } from '../../client/index.ts'

/** A server that accepts jobs and shows them as finished, without a stream of events. */
async function startServer() {
  let made = 0
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.method === 'POST') response.writeHead(201).end(JSON.stringify({ job_id: `job-${made++}` }))
    else if (request.url?.startsWith('/v1/events')) response.writeHead(404).end('{}')
    else response.end(JSON.stringify({ status: 'finished', finished_at: '2026-11-22T08:00:00.000Z' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

test('a load without end asks about jobs whose end nobody told, while it sends others', async () => {
  await using server = await startServer()
  const draining = new AbortController()
  const ended: string[] = []
  const { ledger } = await runLoad({
    clients: [new Client({ url: server.url })],
    ratePerS: 100,
    durationMs: Number.POSITIVE_INFINITY,
    settleMs: 5_000,
    lateMs: 50,
    type: 'task',
    payload: () => null,
    onSubmitted: () => undefined,
    onEnded: (jobId) => {
      ended.push(jobId)
      if (ended.length === 20) draining.abort()
    },
    onRefused: () => undefined,
    draining: draining.signal,
    signal: new AbortController().signal,
  })
  const { accepted, unended } = ledger.summary(1)
  expect(unended).toEqual([])
  expect(ended.toSorted()).toEqual(Array.from({ length: accepted }, (_, n) => `job-${n}`).toSorted())
})
