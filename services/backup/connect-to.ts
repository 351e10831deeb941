import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, connectBroker } from '#shared/bus/connection.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { environment } from '#shared/process/config.ts'
import type { Logger } from '#shared/process/logger.ts'
import { systemClock } from '#shared/time/clock.ts'
import type { BackupConfig } from './config.ts'

/** The broker at NATS_URL, else that of the `npm start` on the same DATA_DIR. */
export function connectTo(config: BackupConfig, log: Logger): Promise<Broker> {
  const { NATS_USER: user, NATS_PASSWORD: password, DATA_DIR } = config
  const urlFile = join(DATA_DIR, 'nats', 'url')
  const isNamed = Boolean(environment()['NATS_URL'])
  const url = !isNamed && existsSync(urlFile) ? readFileSync(urlFile, 'utf8').trim() : config.NATS_URL
  return connectBroker({ url, name: 'backup', user, password, clock: systemClock, log }).catch((error: unknown) => {
    const reason = messageOf(error)
    throw new Error(`could not reach the broker (${reason}); check that it runs with this DATA_DIR or NATS_URL`, {
      cause: error,
    })
  })
}
