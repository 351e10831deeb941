import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Health } from './health.ts'

/** HTTP for a service that has no other: only the operator's routes. */
export class OpsServer {
  readonly #server: Server
  readonly #port: number
  readonly #host: string

  constructor(health: Health, port: number, host: string) {
    this.#port = port
    this.#host = host
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      health.answer(path).then(
        (answer) => {
          response.writeHead(answer?.status ?? 404, {
            'Content-Type': answer?.contentType ?? 'application/problem+json',
            'Cache-Control': 'no-store',
          })
          response.end(answer?.body ?? NOT_FOUND)
        },
        () => response.writeHead(500).end(),
      )
    })
  }

  /** @returns the port it listens on */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, this.#host, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await Promise.resolve()
  }
}

const NOT_FOUND = JSON.stringify({
  type: '/problems/not-found',
  title: 'No such resource',
  status: 404,
  code: 'not-found',
  detail: 'This service has /heartbeat, /livez, /readyz and /metrics only.',
})
