import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NatsOptions, type NatsServer, startNatsServer } from '../../scripts/servers/nats.ts'

/**
 * A private nats-server for one test, in a folder that is deleted with it: `await using nats = await startTestNats()`.
 */
export async function startTestNats(options: Omit<NatsOptions, 'dir'> = {}): Promise<NatsServer> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-nats-'))
  const server = await startNatsServer({ ...options, dir })
  const dispose = async () => {
    // Its data is deleted too, so nothing has to be written.
    await server.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  return Object.defineProperties(server, {
    stop: { value: dispose },
    [Symbol.asyncDispose]: { value: dispose },
  })
}
