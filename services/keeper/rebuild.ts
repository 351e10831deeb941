import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, connectBroker } from '#shared/bus/connection.ts'
import { Stream } from '#shared/bus/stream.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { environment } from '#shared/process/config.ts'
import { explainEnd } from '#shared/process/exit.ts'
import { createLogger, type Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { openJobStore } from '#shared/stores/jobs/open-job-store.ts'
import { systemClock } from '#shared/time/clock.ts'
import { readKeeperConfig } from './config.ts'
import { freshStart } from './project-events/checkpoint.ts'

// `npm run rebuild`: asks the running projection to rebuild every document from the log, while it serves.

/** The owner saves many times a second, each time possibly between this process's read and write. */
const MAX_TRIES = 200

/** NATS_URL, else the address of the broker of a running `npm start`, else the default. */
function readConfig() {
  const env = environment()
  const config = readKeeperConfig(env)
  const urlFile = join(config.DATA_DIR, 'nats', 'url')
  return existsSync(urlFile) ? readKeeperConfig({ NATS_URL_FILE: urlFile, ...env }) : config
}

function connectTo(config: ReturnType<typeof readConfig>, log: Logger): Promise<Broker> {
  const credentials = { user: config.NATS_USER, password: config.NATS_PASSWORD }
  const connecting = connectBroker({ url: config.NATS_URL, name: 'rebuild', ...credentials, clock: systemClock, log })
  return connecting.catch((error: unknown) => {
    const reason = messageOf(error)
    throw new Error(`could not reach the broker (${reason}); check that Hasty runs with this DATA_DIR or NATS_URL`, {
      cause: error,
    })
  })
}

async function requestRebuild(store: JobStore, broker: Broker, log: Logger): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const seen = await store.readCheckpoint()
    if (seen === null) return log.info('there is no projection yet: the first start creates it')
    const state = await new Stream(broker).state()
    // Without an owner: the first replica that sees it takes over, and the old owner's next save fails.
    const next = { ...seen, ...freshStart(seen, state, systemClock.now()), revision: seen.revision + 1, owner: '' }
    if (await store.saveCheckpoint(next, seen.revision)) {
      return log.info({ generation: next.generation }, 'rebuild requested')
    }
  }
  throw new Error('the projection moved at every try; run this command again')
}

try {
  const config = readConfig()
  const log = createLogger({ service: 'rebuild', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const broker = await connectTo(config, log)
  try {
    const store = await openJobStore(config)
    await requestRebuild(store, broker, log).finally(() => store.close())
  } finally {
    await broker.close()
  }
} catch (error) {
  process.exitCode = explainEnd(error, 'Rebuild failed: ')
}
