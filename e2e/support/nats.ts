import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NatsOptions, type NatsServer, startNatsServer } from '../../scripts/servers/nats.ts'

/**
 * The sync interval of a broker in tests. What a killed broker has written is the kernel's, whatever the interval; only
 * a power cut, which no test makes, could lose it. A third of the broker's CPU goes into looking every 10 ms, for each
 * of its streams, whether there is something to sync. `npm start` and compose run as they ship in their own tests.
 */
export const TEST_SYNC = '1s'

/**
 * A private nats-server for one test, in a folder that is deleted with it: `await using nats = await startTestNats()`.
 */
export async function startTestNats(options: Omit<NatsOptions, 'dir'> = {}): Promise<NatsServer> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-nats-'))
  const server = await startNatsServer({ syncInterval: TEST_SYNC, ...options, dir })
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
