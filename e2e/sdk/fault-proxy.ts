import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type FaultProxy = AsyncDisposable & {
  readonly url: string
  /** Answers that were cut so far. */
  readonly cut: number
}

/**
 * A TCP proxy before a server, which loses every nth answer: the server has done its work and answered, and the caller
 * sees nothing but a closed connection.
 */
export async function startFaultProxy(target: string, everyNth: number): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let answers = 0
  let cut = 0
  const server = createServer((caller) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [caller, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        caller.destroy()
        upstream.destroy()
      })
    }
    caller.pipe(upstream)
    upstream.on('data', (data: Buffer) => {
      const isAnswer = data.subarray(0, 5).toString() === 'HTTP/'
      if (isAnswer && ++answers % everyNth === 0) {
        cut++
        caller.destroy()
      } else caller.write(data)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cut() {
      return cut
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
