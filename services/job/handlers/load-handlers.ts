import { toJsonSchema } from '#shared/accept/json-schema.ts'
import type { JobTypeInfo } from '#shared/contracts/log/job-type.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { makeCallOut } from '#shared/outbound/call-out.ts'
import { type ServiceSettings, servicesOf } from '#shared/outbound/settings.ts'
import { type Complaint, ConfigError } from '#shared/process/config.ts'
import type { Logger } from '#shared/process/logger.ts'
import { systemClock } from '#shared/time/clock.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import type { JobConfig } from '../config.ts'
import { addHandler, multiplyHandler } from './add-multiply.ts'
import { callbackHandler } from './callback.ts'
import type { JobHandler } from './handler.ts'
import { findHandlerFiles } from './handler-files.ts'
import { httpHandler } from './http.ts'
import { importHandler } from './import-handler.ts'
import { serviceHandler } from './service.ts'
import { sleepHandler } from './sleep.ts'
import { taskHandler } from './task.ts'
import { tracedCallOut } from './traced-call-out.ts'

export type Handlers = ReadonlyMap<string, JobHandler>

type HandlerSettings = Pick<
  JobConfig,
  | 'HANDLERS_DIR'
  | 'BUILT_IN_TYPES'
  | 'JOB_TIMEOUT_MS'
  | 'SLEEP_MIN_MS'
  | 'SLEEP_MAX_MS'
  | 'HTTP_CALL_TIMEOUT_MS'
  | 'OUTBOUND_TRUSTED_HOSTS'
  | 'WEBHOOK_SECRET'
> &
  ServiceSettings

export interface LoadOptions {
  /**
   * Warns about files that look like handlers but are not loaded; the child processes of a worker leave that to the
   * worker.
   */
  log?: Pick<Logger, 'warn'>
  /** The clock for the signatures of webhooks, milliseconds; the wall clock by default. */
  now?: () => number
  /** Records the calls of the built-in types; nothing by default. */
  tracing?: Tracing | null
}

/**
 * The built-in types and those of HANDLERS_DIR, one per file.
 * @throws ConfigError that names every unusable file
 */
export async function loadHandlers(settings: HandlerSettings, options: LoadOptions = {}): Promise<Handlers> {
  const { log, now = () => systemClock.now(), tracing = null } = options
  const handlers = new Map(offered(settings, now, tracing).map((handler) => [handler.type, handler]))
  if (settings.HANDLERS_DIR === undefined) return handlers

  const { files, passedOver } = await findHandlerFiles(settings.HANDLERS_DIR)
  if (passedOver.length > 0) log?.warn({ files: passedOver }, 'files of HANDLERS_DIR are not loaded')
  const complaints: Complaint[] = []
  for (const file of files) {
    try {
      const handler = await importHandler(file, settings.JOB_TIMEOUT_MS)
      add(handlers, handler, file)
    } catch (error) {
      complaints.push({ about: 'handlers', text: messageOf(error) })
    }
  }
  if (complaints.length > 0) throw new ConfigError(complaints)
  return handlers
}

const offered = (settings: HandlerSettings, now: () => number, tracing: Tracing | null): JobHandler[] =>
  builtInHandlers(settings, now, tracing).filter((handler) => isOffered(settings, handler))

const isOffered = ({ BUILT_IN_TYPES }: HandlerSettings, { type, policy }: JobHandler): boolean =>
  policy.internal || (BUILT_IN_TYPES as string[]).includes(type)

/** Built-in types that are switched off, as lanes describe them: nobody may create jobs of them. */
export const switchedOffTypes = (settings: HandlerSettings): JobTypeInfo[] =>
  builtInHandlers(settings, () => systemClock.now(), null)
    .filter((handler) => !isOffered(settings, handler))
    .map((handler) => typeInfo({ ...handler, policy: { ...handler.policy, internal: true, switched_off: true } }))
function add(handlers: Map<string, JobHandler>, handler: JobHandler, file: string): void {
  if (handlers.has(handler.type)) throw new Error(`${file}: the type ${handler.type} already exists`)
  try {
    // A schema without a JSON form fails here, with the name of its file, and not when the lanes are created.
    typeInfo(handler)
  } catch (error) {
    throw new Error(`${file}: schema: ${messageOf(error)}`, { cause: error })
  }
  handlers.set(handler.type, handler)
}

function builtInHandlers(settings: HandlerSettings, now: () => number, tracing: Tracing | null): JobHandler[] {
  const { JOB_TIMEOUT_MS: timeoutMs, SLEEP_MIN_MS: minMs, SLEEP_MAX_MS: maxMs } = settings
  const callOut = makeCallOut({ trustedHosts: settings.OUTBOUND_TRUSTED_HOSTS })
  const outbound = { callOut: tracing === null ? callOut : tracedCallOut(callOut, tracing), now }
  const toServices = {
    ...outbound,
    services: servicesOf(settings),
    timeoutMs,
    callTimeoutMs: settings.HTTP_CALL_TIMEOUT_MS,
  }
  return [
    sleepHandler({ minMs, maxMs, timeoutMs, random: Math.random }),
    addHandler(timeoutMs),
    multiplyHandler(timeoutMs),
    taskHandler({ timeoutMs, random: Math.random }),
    httpHandler(toServices),
    serviceHandler(toServices),
    callbackHandler({ ...outbound, secrets: settings.WEBHOOK_SECRET }),
  ]
}

/** The description of a type that its lanes carry. */
export const typeInfo = (handler: JobHandler): JobTypeInfo => ({
  type: handler.type,
  policy: handler.policy,
  payload_schema: handler.schema === null ? null : toJsonSchema(handler.schema),
})
