import { environment } from '#shared/process/config.ts'
import { explainEnd } from '#shared/process/exit.ts'
import { createLogger } from '#shared/process/logger.ts'
import { readJobConfig } from './config.ts'
import { setUpBroker } from './set-up-broker.ts'

// Runs once before the services, then ends.

try {
  const config = readJobConfig(environment())
  await setUpBroker(config, createLogger({ service: 'setup', level: config.LOG_LEVEL, format: config.LOG_FORMAT }))
} catch (error) {
  process.exitCode = explainEnd(error, 'Setup failed: ')
}
