import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild } from '../../scripts/servers/child.ts'
import { findNatsServer } from '../../scripts/servers/find-nats-server.ts'
import { freePort, portError } from '../../scripts/servers/free-port.ts'
import { natsEnv } from '../../scripts/servers/nats.ts'
import { waitUntil } from '../../scripts/servers/wait-until.ts'

export type GuardedNats = AsyncDisposable & { readonly url: string; readonly logFile: string }

/** The broker as compose has it: nats/start.sh and the users of nats/nats.conf, on a port of this machine. */
export async function startGuardedNats(dir: string, env: Record<string, string>): Promise<GuardedNats> {
  const bin = join(dir, 'bin')
  const store = join(dir, 'store')
  await Promise.all([bin, store].map((folder) => mkdir(folder, { recursive: true })))
  await symlink((await findNatsServer()).path, join(bin, 'nats-server'))
  const [port, monitorPort] = [await freePort(), await freePort()]
  const logFile = join(dir, 'nats.log')
  const script = join(import.meta.dirname, '../../nats/start.sh')
  const child: Child = await startChild('sh', [script, '--addr', '127.0.0.1', '--port', String(port)], {
    env: {
      ...natsEnv(),
      PATH: `${bin}:${process.env.PATH ?? ''}`,
      NATS_STORE_DIR: store,
      NATS_MONITOR: `127.0.0.1:${monitorPort}`,
      ...env,
    },
    logFile,
    ownGroup: true,
    outlivesParentByS: 0,
  })
  const stop = async () => void (await child.stop())
  await waitUntil(async () => (await portError(port)) !== undefined, { what: `nats-server (log: ${logFile})`, child })
  return { url: `nats://127.0.0.1:${port}`, logFile, [Symbol.asyncDispose]: stop }
}
