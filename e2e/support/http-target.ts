import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface HttpTarget extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string
  readonly seen: SeenRequest[]
}

/** A server that Hasty's services call: it records the requests, and the test chooses the answers. */
export async function startHttpTarget(
  answer: (request: SeenRequest, response: ServerResponse, earlier: SeenRequest[]) => void,
): Promise<HttpTarget> {
  const seen: SeenRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const one = { method, path, headers, body: Buffer.concat(chunks).toString() }
      const earlier = seen.filter((other) => other.path === path)
      seen.push(one)
      answer(one, response, earlier)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
