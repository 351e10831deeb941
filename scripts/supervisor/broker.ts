import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '#shared/process/logger.ts'
import { findNatsServer } from '../servers/find-nats-server.ts'
import { freePort } from '../servers/free-port.ts'
import { startNatsServer } from '../servers/nats.ts'
import { type Kept, keepRunning } from './keep-running.ts'
import { reviveBroker } from './revive-broker.ts'
import type { Settings } from './settings.ts'

export type Broker = Kept & {
  readonly url: string
}

/**
 * The broker: the one at NATS_URL, which is not stopped here, or a private one, which is kept running on the same port.
 * While that one runs, its address is in DATA_DIR/nats/url, for `npm run rebuild`. `signal` ends the start.
 */
export async function provideBroker(settings: Settings, log: Logger, signal: AbortSignal): Promise<Broker> {
  const dir = join(settings.DATA_DIR, 'nats')
  const urlFile = join(dir, 'url')
  await rm(urlFile, { force: true })
  if (settings.NATS_URL !== undefined)
    return { url: settings.NATS_URL, stop: async () => {}, kill: () => {}, name: 'nats-server', isReady: () => true }
  const { path, how } = await findNatsServer(signal)
  // The services drain when this process is gone, and need the broker for that.
  const outlivesParentByS = Math.ceil(settings.DRAIN_MS / 1000) + 5
  const syncInterval = settings.NATS_SYNC
  const monitorPort = await freePort()
  const own = { dir, bin: path, syncInterval, outlivesParentByS, monitorPort, signal }
  const server = await startNatsServer(own)
  await writeFile(urlFile, server.url)
  log.info(
    { nats_url: server.url, nats_pid: server.pid, from: how, sync: settings.NATS_SYNC },
    'nats-server is running',
  )

  let isFirst = true
  const start = async () => {
    if (!isFirst) await server.restart()
    isFirst = false
    return server
  }
  const kept = keepRunning({ name: 'nats-server', start, log, onBadSettings: () => {} })
  const healthUrl = `http://127.0.0.1:${monitorPort}/healthz`
  const stopReviving = reviveBroker({ healthUrl, dir, end: () => server.kill('SIGTERM'), log })
  const stop = async (graceMs: number) => {
    stopReviving()
    await kept.stop(graceMs)
    await rm(urlFile, { force: true })
  }
  return { ...kept, url: server.url, stop }
}
