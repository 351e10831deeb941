import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the range the kernel takes the ports of outgoing connections from (32768 and up on Linux): a server that is
// down for a moment must find its port free again, also while hundreds of clients keep trying to reach it.
const lowest = 20_000
const highest = 32_000

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowest, highest)
    if ((await portError(port)) === undefined) return port
  }
  throw new Error(`no free port found between ${lowest} and ${highest}`)
}

/** Why this port cannot be listened on (`EADDRINUSE`, `EACCES`, ...); undefined when it can. */
export function portError(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(undefined)))
  })
}
