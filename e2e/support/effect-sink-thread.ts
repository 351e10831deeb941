import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { parentPort } from 'node:worker_threads'
import type { Effect, ReceivedEffect } from './effect-sink.ts'

// The server of the sink: a POST brings an effect, a GET answers all that came. It tells its port once it listens.

const effects: ReceivedEffect[] = []
const highest = new Map<string, number>()

function receive(effect: Effect): boolean {
  const accepted = effect.fencing_token > (highest.get(effect.job_id) ?? 0)
  if (accepted) highest.set(effect.job_id, effect.fencing_token)
  effects.push({ ...effect, accepted })
  return accepted
}

const server = createServer(async (request, response) => {
  // A worker that was frozen or blocked would find a kept connection closed, and fail because of the test.
  response.setHeader('Connection', 'close')
  if (request.method === 'GET') {
    response.end(JSON.stringify(effects))
    return
  }
  response.statusCode = receive(JSON.parse(await text(request)) as Effect) ? 204 : 409
  response.end()
})
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))
