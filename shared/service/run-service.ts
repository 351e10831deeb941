import { errorForLog } from '#shared/errors/foreign.ts'
import { currentRun, type ForeignRun } from '#shared/errors/foreign-run.ts'
import { ConfigError, type Environment, environment, readLogSettings } from '#shared/process/config.ts'
import { EXIT, explainEnd } from '#shared/process/exit.ts'
import { createLogger, type Logger } from '#shared/process/logger.ts'
import { SECOND, sleep } from '#shared/time/clock.ts'
import { type BaseConfig, type BaseOptions, openBase, type ServiceBase, type ServiceName } from './base.ts'

/** A service that has started. */
export interface Running {
  /** The port on which the service answers. */
  port: number
  /** For a service that runs foreign code; without it every uncaught error ends the process. */
  foreignErrors?: ForeignErrors
}

/**
 * The whole of a service: takes the base that every service has, adds its own parts, and registers at `base.life` how
 * they stop.
 */
export type Start<C> = (base: ServiceBase<C>) => Promise<Running>

export interface Started<C> {
  base: ServiceBase<C>
  running: Running
}

/** Handles uncaught errors, which may come from foreign code. */
export interface ForeignErrors {
  /**
   * A promise was rejected that nobody awaited: the service continues.
   * @param run the run whose code it was; null: unknown
   */
  onRejection(run: ForeignRun | null, thrown: unknown): void
  /** Something threw outside every call: the process ends when this resolves. */
  onException(run: ForeignRun | null, thrown: unknown): Promise<void>
}

/** Tells a supervisor that the service has started, and that it is this process that listens on its port. */
const READY = 'ready'
/** Limit for the cleanup after a start that failed half-way. */
const UNDO_MS = 10 * SECOND

/** Starts a service in this process: `base.life.stop()` drains and ends everything that it began. */
export async function startService<C extends BaseConfig>(
  name: ServiceName,
  config: C,
  start: Start<C>,
  options: BaseOptions = {},
): Promise<Started<C>> {
  const base = await openBase(name, config, options)
  try {
    const running = await start(base)
    base.life.onStop(() => base.health.drain())
    return { base, running }
  } catch (error) {
    const undone = base.life.stop().catch((stopError: unknown) => {
      base.log.error({ err: stopError }, 'could not clean up after the failed start')
    })
    await Promise.race([undone, sleep(UNDO_MS)])
    throw error
  }
}

/**
 * The whole of a service's `main.ts`. Runs the service from start to drain: SIGTERM, SIGINT or the end of the parent
 * that supervises it stop it once; a second signal ends it at once.
 */
export async function runService<C extends BaseConfig>(
  name: ServiceName,
  readConfig: (env: Environment) => C,
  start: Start<C>,
  options: BaseOptions = {},
): Promise<void> {
  const isSupervised = process.connected
  try {
    const started = await startService(name, readConfig(environment()), start, { ...options, isOwnProcess: true })
    const stop = stopper(started.base)
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGINT', () => stop('SIGINT'))
    endOnUncaught(started)
    if (process.connected) process.send?.(READY)
    const onOrphaned = () => stop('the supervisor is gone')
    // The parent may have gone during the start.
    if (isSupervised && !process.connected) onOrphaned()
    else process.on('disconnect', onOrphaned)
  } catch (error) {
    if (error instanceof ConfigError) process.exit(explainEnd(error, ''))
    const { LOG_LEVEL, LOG_FORMAT } = readLogSettings(environment())
    const log = createLogger({ service: 'start', level: LOG_LEVEL, format: LOG_FORMAT })
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    log.fatal(
      { err: error },
      isTaken ? 'could not start: another program has the port, set another PORT' : 'could not start',
    )
    exitAfterFlush(log, isTaken ? EXIT.portTaken : EXIT.failed)
  }
}

function stopper({ life, log }: Pick<ServiceBase<unknown>, 'life' | 'log'>): (reason: string) => void {
  let stopping = false
  return (reason) => {
    if (stopping) process.exit(EXIT.failed)
    stopping = true
    log.info({ reason }, 'stopping')
    life.stop().then(
      () => exitAfterFlush(log, EXIT.ok),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop cleanly')
        exitAfterFlush(log, EXIT.failed)
      },
    )
  }
}

function endOnUncaught({ base: { log }, running: { foreignErrors } }: Started<unknown>): void {
  let ending = false
  const end = (run: ForeignRun | null, thrown: unknown, origin: 'exception' | 'rejection') => {
    const about = { err: errorForLog(thrown), ...(run === null ? {} : { of: run.of }) }
    log.fatal(about, origin === 'exception' ? 'uncaught exception' : 'unhandled rejection')
    if (ending) return
    ending = true
    const told = foreignErrors?.onException(run, thrown) ?? Promise.resolve()
    told
      .catch((error: unknown) => log.error({ err: error }, 'could not hand back the running jobs'))
      .finally(() => exitAfterFlush(log, EXIT.failed))
  }
  process.on('uncaughtException', (thrown) => {
    const run = currentRun()
    if (run?.isElsewhere !== true) {
      end(run, thrown, 'exception')
      return
    }
    log.error({ err: errorForLog(thrown) }, 'a child process sent an unreadable message')
    run.crash(thrown)
  })
  process.on('unhandledRejection', (thrown) => {
    if (foreignErrors === undefined) end(null, thrown, 'rejection')
    else foreignErrors.onRejection(currentRun(), thrown)
  })
}

function exitAfterFlush(log: Logger, code: number): void {
  log.flush(() => process.exit(code))
}
