// `npm start`: Hasty on one machine. Exit codes: 0 stopped on request; 1 could not start (the reason is on stderr), or
// a second Ctrl-C ended it at once; 2 invalid settings (each is named).
import { ConfigError, environment } from '#shared/process/config.ts'
import { EXIT, explainEnd } from '#shared/process/exit.ts'
import { switchLevelOnSignal } from '#shared/process/log-level.ts'
import { createLogger, type Logger } from '#shared/process/logger.ts'
import { freePort, portError } from './servers/free-port.ts'
import { answersOk, waitUntil } from './servers/wait-until.ts'
import { announce, announceStart, reachableHost } from './supervisor/announce.ts'
import { type Broker, provideBroker } from './supervisor/broker.ts'
import { readAllSettings } from './supervisor/check-settings.ts'
import type { Place } from './supervisor/choose-ports.ts'
import type { Kept } from './supervisor/keep-running.ts'
import { lockFolder } from './supervisor/lock.ts'
import { reloadHandlers } from './supervisor/reload-handlers.ts'
import { keepServicesRunning, type ServiceContext, type Services, startSetup } from './supervisor/services.ts'
import type { Settings } from './supervisor/settings.ts'
import { listenForStop, type StopRequest } from './supervisor/stop-request.ts'

const readyWithinMs = 60_000
/** Time in addition to the services' own limit. */
const stopMarginMs = 5000

async function run(settings: Settings, log: Logger): Promise<number> {
  const running: Kept[] = []
  const stop = listenForStop(() => {
    for (const one of running) one.kill('SIGKILL')
    process.exit(EXIT.failed)
  })
  const place: Place = { setting: 'PORT', port: await choosePort(settings), isSet: settings.PORT > 0 }
  announceStart(settings, place.port, log)
  const broker = await provideBrokerUnless(stop.signal, settings, log)
  if (broker === undefined) return stop.asked
  running.push(broker)
  let endWatch: (() => void) | undefined
  try {
    const onBadSettings = () => stop.ask(EXIT.badSettings)
    const context: ServiceContext = {
      settings,
      place,
      natsUrl: broker.url,
      log,
      onBadSettings,
    }
    const failure = await setUp(context, stop)
    if (failure !== undefined) return failure
    const services = await keepServicesRunning(context)
    running.push(...services.all)
    process.on('SIGUSR2', () => {
      for (const service of services.all) service.tell('SIGUSR2')
    })
    if (settings.WATCH && settings.HANDLERS_DIR !== undefined)
      endWatch = await reloadHandlers(settings.HANDLERS_DIR, context, services.jobs)
    return await serve(context, services, stop)
  } finally {
    endWatch?.()
    log.info({ drain_ms: settings.DRAIN_MS }, 'stopping')
    const services = running.slice(1)
    // The broker last: draining services still need it.
    await Promise.all(services.map((service) => service.stop(settings.DRAIN_MS + stopMarginMs)))
    await broker.stop(stopMarginMs)
  }
}

/** Provides the broker; undefined when a stop is requested in the meantime: fetching nats-server may take minutes. */
async function provideBrokerUnless(
  stopAsked: AbortSignal,
  settings: Settings,
  log: Logger,
): Promise<Broker | undefined> {
  try {
    return await provideBroker(settings, log, stopAsked)
  } catch (error) {
    if (stopAsked.aborted) return undefined
    throw error
  }
}

/** Serves until a stop is requested; resolves with the exit code. */
async function serve({ settings, place, log }: ServiceContext, services: Services, stop: StopRequest): Promise<number> {
  // Each says itself that it listens: at its address somebody else may answer.
  const areReady = async () => {
    const others = services.all.filter((service) => !service.isReady()).map(({ name }) => name)
    if (others.length > 0) throw new Error(`these have not started: ${others.join(', ')}`)
    return answersOk(`http://${reachableHost(settings.HOST)}:${place.port}/readyz`)
  }
  const ready = waitUntil(areReady, { what: 'Hasty', timeoutMs: readyWithinMs })
  const exitCode = await Promise.race([ready.then(() => undefined), stop.asked])
  if (exitCode !== undefined) return exitCode
  announce(settings, place.port, log)
  return stop.asked
}

/** Runs setup; undefined when all is set up, else the exit code. */
async function setUp(context: ServiceContext, stop: StopRequest): Promise<number | undefined> {
  const setup = await startSetup(context)
  const asked = await Promise.race([setup.exited.then(() => undefined), stop.asked])
  if (asked !== undefined) {
    await setup.stop()
    return asked
  }
  const { code } = await setup.exited
  if (code === 0) return undefined
  if (code === EXIT.badSettings) return code
  throw new Error('Could not set up the streams and lanes; the reason from services/job/setup.ts is above.')
}

async function choosePort({ PORT, HOST }: Settings): Promise<number> {
  if (PORT === 0) return freePort()
  const reason = await portError(PORT, HOST)
  if (reason === undefined) return PORT
  if (reason === 'EADDRINUSE') {
    throw new Error(
      `Port ${PORT} is taken by another program. Stop that one, or choose another port: PORT=${PORT + 1} npm start`,
    )
  }
  if (reason === 'EACCES')
    throw new Error(
      `Port ${PORT} needs rights that this user does not have. Choose one from 1024 up: PORT=8080 npm start`,
    )
  throw new Error(
    `Hasty cannot listen on ${HOST}:${PORT} (${reason}). Set HOST and PORT to an address and a free port of this machine.`,
  )
}

/** Refuses arguments, which would otherwise be ignored in silence. */
function refuseArguments([first]: string[]): void {
  if (first !== undefined)
    throw new ConfigError(`${first}: npm start takes no arguments; set environment variables: PORT=4000 npm start`)
}

async function main(): Promise<number> {
  refuseArguments(process.argv.slice(2))
  const settings = await readAllSettings(environment())
  const log = createLogger({ service: 'start', level: settings.LOG_LEVEL, format: settings.LOG_FORMAT })
  switchLevelOnSignal(log)
  const release = lockFolder(settings.DATA_DIR)
  try {
    const exitCode = await run(settings, log)
    log.info('Hasty has stopped')
    return exitCode
  } finally {
    release()
    await new Promise<void>((resolve) => log.flush(() => resolve()))
  }
}

// Something may still wait for an answer that no longer matters.
process.exit(await main().catch((error: unknown) => explainEnd(error, '')))
