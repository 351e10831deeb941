import { connectBroker } from '#shared/bus/connection.ts'
import { readLogState } from '#shared/bus/event-feed.ts'
import { systemClock } from '#shared/runtime/clock.ts'
import { environment } from '#shared/runtime/config.ts'
import { createLogger } from '#shared/runtime/logger.ts'
import { EXIT } from '#shared/runtime/service.ts'
import { readApiConfig } from './config.ts'
import { openStore } from './open-store.ts'
import { freshStart } from './project-events/projection.ts'

// `npm run rebuild`: asks the running projection to make every document anew from the log, while it serves.

const config = readApiConfig(environment())
const log = createLogger({ service: 'rebuild', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
const store = await openStore(config)
const broker = await connectBroker({
  url: config.NATS_URL,
  name: 'rebuild',
  user: config.NATS_USER,
  password: config.NATS_PASSWORD,
  clock: systemClock,
  log,
})
try {
  const seen = await store.readCheckpoint()
  const state = await readLogState(broker)
  if (seen === null) {
    log.info('there is no projection yet: the first start makes it')
  } else {
    // Without an owner: whoever sees it first takes over, and the old owner's next save fails.
    const next = { ...seen, ...freshStart(seen, state, systemClock.now()), revision: seen.revision + 1, owner: '' }
    if (await store.saveCheckpoint(next, seen.revision)) log.info({ generation: next.generation }, 'rebuild requested')
    else {
      log.error('the projection moved at the same moment: run it again')
      process.exitCode = EXIT.failed
    }
  }
} finally {
  await broker.close()
  await store.close()
}
