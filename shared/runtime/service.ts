import { ConfigError } from './config.ts'
import { createLogger, type Logger, type LoggerOptions } from './logger.ts'

export interface RunningService {
  /** Drains and ends everything the service started; called once. */
  stop(reason: string): Promise<void>
}

/** Exit codes: 0 stopped as asked, 1 broke, 2 settings that cannot be used. */
export const EXIT = { ok: 0, failed: 1, badSettings: 2 } as const

/**
 * Runs a service from its start to its drain: SIGTERM, SIGINT or the end of the parent that supervises it
 * stop it once; a second signal ends it at once.
 */
export async function runService(start: () => Promise<{ service: RunningService; log: Logger }>): Promise<void> {
  const bootLog = (name: string) => createLogger(bootLoggerOptions(name))
  try {
    const { service, log } = await start()
    let stopping = false
    const stop = (reason: string) => {
      if (stopping) process.exit(EXIT.failed)
      stopping = true
      log.info({ reason }, 'stopping')
      service.stop(reason).then(
        () => exitAfterFlush(log, EXIT.ok),
        (error: unknown) => {
          log.fatal({ err: error }, 'could not stop cleanly')
          exitAfterFlush(log, EXIT.failed)
        },
      )
    }
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGINT', () => stop('SIGINT'))
    process.on('disconnect', () => stop('the supervisor is gone'))
    process.on('uncaughtException', (error) => {
      log.fatal({ err: error }, 'uncaught exception')
      exitAfterFlush(log, EXIT.failed)
    })
    process.on('unhandledRejection', (error) => {
      log.fatal({ err: error }, 'unhandled rejection')
      exitAfterFlush(log, EXIT.failed)
    })
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`These settings cannot be used:\n${error.message.replaceAll(/^/gm, '  ')}\n`)
      process.exit(EXIT.badSettings)
    }
    const log = bootLog('start')
    log.fatal({ err: error }, 'could not start')
    exitAfterFlush(log, EXIT.failed)
  }
}

const bootLoggerOptions = (service: string): LoggerOptions => ({ service, level: 'info', format: undefined })

function exitAfterFlush(log: Logger, code: number): void {
  log.flush(() => process.exit(code))
}
