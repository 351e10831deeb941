import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NatsOptions, type NatsServer, startNatsServer } from '../../scripts/servers/nats.ts'

/** A nats-server of one test's own, in a folder that goes with it: `await using nats = await startTestNats()`. */
export async function startTestNats(options: Omit<NatsOptions, 'dir'> = {}): Promise<NatsServer> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-nats-'))
  const server = await startNatsServer({ ...options, dir })
  const dispose = async () => {
    // Its data goes with it, so nothing is left to write down.
    await server.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  return Object.defineProperties(server, {
    stop: { value: dispose },
    [Symbol.asyncDispose]: { value: dispose },
  })
}
