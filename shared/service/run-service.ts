import { errorForLog } from '#shared/errors/foreign.ts'
import { currentRun, type ForeignRun } from '#shared/errors/foreign-run.ts'
import { ConfigError, environment, readLogSettings } from '#shared/process/config.ts'
import { EXIT, explainEnd } from '#shared/process/exit.ts'
import { createLogger, type Logger } from '#shared/process/logger.ts'

export interface RunningService {
  /** Drains and ends everything the service started; called once. */
  stop(reason: string): Promise<void>
  /** Of a service that runs foreign code; without it every error that nobody caught ends the process. */
  foreignErrors?: ForeignErrors
}

/** What becomes of errors that nobody caught, where they may be of foreign code. */
export interface ForeignErrors {
  /**
   * A promise was rejected that nobody awaited: the service goes on.
   * @param run whose code it was; null: nobody can tell
   */
  onRejection(run: ForeignRun | null, thrown: unknown): void
  /** Something threw outside of every call: the process ends when this resolves. */
  onException(run: ForeignRun | null, thrown: unknown): Promise<void>
}

/**
 * Runs a service from its start to its drain: SIGTERM, SIGINT or the end of the parent that supervises it
 * stop it once; a second signal ends it at once.
 */
export async function runService(start: () => Promise<{ service: RunningService; log: Logger }>): Promise<void> {
  const isSupervised = process.connected
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
    endOnUncaught(service, log)
    const onOrphaned = () => stop('the supervisor is gone')
    // It may have gone while we started.
    if (isSupervised && !process.connected) onOrphaned()
    else process.on('disconnect', onOrphaned)
  } catch (error) {
    if (error instanceof ConfigError) process.exit(explainEnd(error, ''))
    const { LOG_LEVEL, LOG_FORMAT } = readLogSettings(environment())
    const log = createLogger({ service: 'start', level: LOG_LEVEL, format: LOG_FORMAT })
    log.fatal({ err: error }, 'could not start')
    exitAfterFlush(log, EXIT.failed)
  }
}

function endOnUncaught({ foreignErrors }: RunningService, log: Logger): void {
  let ending = false
  const end = (run: ForeignRun | null, thrown: unknown, what: string) => {
    log.fatal({ err: errorForLog(thrown), ...(run === null ? {} : { of: run.of }) }, what)
    if (ending) return
    ending = true
    const told = foreignErrors?.onException(run, thrown) ?? Promise.resolve()
    told
      .catch((error: unknown) => log.error({ err: error }, 'what runs here could not be handed back'))
      .finally(() => exitAfterFlush(log, EXIT.failed))
  }
  process.on('uncaughtException', (thrown) => {
    const run = currentRun()
    if (run?.isElsewhere !== true) {
      end(run, thrown, 'uncaught exception')
      return
    }
    log.error({ err: errorForLog(thrown) }, 'a child process sent what cannot be read')
    run.crash(thrown)
  })
  process.on('unhandledRejection', (thrown) => {
    if (foreignErrors === undefined) end(null, thrown, 'unhandled rejection')
    else foreignErrors.onRejection(currentRun(), thrown)
  })
}

function exitAfterFlush(log: Logger, code: number): void {
  log.flush(() => process.exit(code))
}
