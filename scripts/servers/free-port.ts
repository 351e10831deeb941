import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

// Below the range from which the kernel takes the ports of outgoing connections (32768 and up on Linux): a server that
// is down for a moment must find its port free again, even while hundreds of clients keep trying to reach it.
const lowest = 20_000
const highest = 32_000
const blockSize = 50

const ports = givePorts()

/** A port that nobody listens on, and that is given to nobody else, in this process or another, while this one runs. */
export async function freePort(): Promise<number> {
  const { value } = await ports.next()
  if (value === undefined) throw new Error(`no free port found between ${lowest} and ${highest}`)
  return value
}

/**
 * Yields the ports of blocks that this process has claimed. "Free" alone would not do: a server starts listening long
 * after its port was chosen, another server may get the same port until then, and a request for the one reaches the
 * other.
 */
async function* givePorts(): AsyncGenerator<number, undefined> {
  for (let first = await claimBlock(); first !== undefined; first = await claimBlock()) {
    for (let port = first + 1; port < first + blockSize; port++) {
      if ((await portError(port)) === undefined) yield port
    }
  }
  return undefined
}

/**
 * Claims a block, which belongs to the process that listens on its first port; the end of that process, of whatever
 * kind, releases it.
 */
async function claimBlock(): Promise<number | undefined> {
  for (let tries = 0; tries < 1000; tries++) {
    const first = randomInt(lowest / blockSize, highest / blockSize) * blockSize
    const claim = createServer((socket) => socket.destroy()).unref()
    if ((await listenError(claim, first)) === undefined) return first
  }
  return undefined
}

/** Why this port cannot be listened on (`EADDRINUSE`, `EACCES`, ...); undefined when it can. */
export async function portError(port: number, host?: string): Promise<string | undefined> {
  const probe = createServer()
  const error = await listenError(probe, port, host)
  if (error !== undefined) return error
  await new Promise((resolve) => probe.close(resolve))
  return undefined
}

function listenError(server: Server, port: number, host = '127.0.0.1'): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host, exclusive: true }, () => resolve(undefined))
  })
}
