import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A listening socket on every address of this machine that records what reached it. */
export interface CountingSocket extends AsyncDisposable {
  readonly port: number
  readonly connections: number
  readonly bytes: number
}

export async function startCountingSocket(): Promise<CountingSocket> {
  let connections = 0
  let bytes = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      bytes += chunk.length
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret')
    })
  })
  server.listen(0)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    get bytes() {
      return bytes
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
