import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import {
  batchPolicySchema,
  DEFAULT_POLICY,
  declaredPolicySchema,
  type JobTypeInfo,
  jobPolicySchema,
} from '#shared/contracts/log/job-type.ts'
import { TYPE_PATTERN } from '#shared/contracts/log/subjects.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { makeCallOut } from '#shared/outbound/call-out.ts'
import { type ServiceSettings, servicesOf } from '#shared/outbound/settings.ts'
import { ConfigError } from '#shared/process/config.ts'
import type { Logger } from '#shared/process/logger.ts'
import { systemClock } from '#shared/time/clock.ts'
import type { JobConfig } from '../config.ts'
import { addHandler, multiplyHandler } from './add-multiply.ts'
import { batchRun, type RunBatch } from './batch-run.ts'
import { callbackHandler } from './callback.ts'
import type { JobHandler } from './handler.ts'
import { findHandlerFiles } from './handler-files.ts'
import { httpHandler } from './http.ts'
import { serviceHandler } from './service.ts'
import { sleepHandler } from './sleep.ts'
import { taskHandler } from './task.ts'

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

/** Strict, unlike the policies in lanes: a misspelt limit would be no limit. */
const userPolicySchema = z.strictObject(declaredPolicySchema.omit({ batch: true, internal: true }).shape).partial()

/** The export `handler` of a user's file, checked by hand, because functions have no schema. */
const userHandlerSchema = z.strictObject({
  type: z.string().regex(TYPE_PATTERN, `must match ${TYPE_PATTERN.source}`),
  policy: userPolicySchema.optional(),
  batch: batchPolicySchema.optional(),
  schema: z.unknown().optional(),
  run: z.custom<JobHandler['run']>((value) => typeof value === 'function', 'must be a function run(payload, context)'),
})

export interface LoadOptions {
  /**
   * Warns about files that look like handlers but are not loaded; the child processes of a worker leave that to the
   * worker.
   */
  log?: Pick<Logger, 'warn'>
  /** The clock for the signatures of webhooks, milliseconds; the wall clock by default. */
  now?: () => number
}

/**
 * The built-in types and those of HANDLERS_DIR, one per file.
 * @throws ConfigError that names every unusable file
 */
export async function loadHandlers(settings: HandlerSettings, options: LoadOptions = {}): Promise<Handlers> {
  const { log, now = () => systemClock.now() } = options
  const handlers = new Map(offered(settings, now).map((handler) => [handler.type, handler]))
  if (settings.HANDLERS_DIR === undefined) return handlers

  const problems: string[] = []
  const { files, passedOver } = await findHandlerFiles(settings.HANDLERS_DIR)
  if (passedOver.length > 0) log?.warn({ files: passedOver }, 'files of HANDLERS_DIR are not loaded')
  for (const file of files) {
    try {
      const handler = await importHandler(file, settings.JOB_TIMEOUT_MS)
      // A schema without a JSON form fails here, with the name of its file, and not when the lanes are created.
      typeInfo(handler)
      if (handlers.has(handler.type)) throw new Error(`the type ${handler.type} already exists`)
      handlers.set(handler.type, handler)
    } catch (error) {
      problems.push(`HANDLERS_DIR: ${file}: ${messageOf(error)}`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return handlers
}

const offered = (settings: HandlerSettings, now: () => number): JobHandler[] =>
  builtInHandlers(settings, now).filter((handler) => isOffered(settings, handler))

const isOffered = ({ BUILT_IN_TYPES }: HandlerSettings, { type, policy }: JobHandler): boolean =>
  policy.internal || (BUILT_IN_TYPES as string[]).includes(type)

/** Built-in types that are switched off, as lanes describe them: nobody may create jobs of them. */
export const switchedOffTypes = (settings: HandlerSettings): JobTypeInfo[] =>
  builtInHandlers(settings, () => systemClock.now())
    .filter((handler) => !isOffered(settings, handler))
    .map((handler) => typeInfo({ ...handler, policy: { ...handler.policy, internal: true } }))

function builtInHandlers(settings: HandlerSettings, now: () => number): JobHandler[] {
  const { JOB_TIMEOUT_MS: timeoutMs, SLEEP_MIN_MS: minMs, SLEEP_MAX_MS: maxMs } = settings
  const outbound = {
    callOut: makeCallOut({ trustedHosts: settings.OUTBOUND_TRUSTED_HOSTS }),
    now,
  }
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
  payload_schema:
    handler.schema === null ? null : (z.toJSONSchema(handler.schema, { io: 'input' }) as Record<string, unknown>),
})

async function importHandler(file: string, timeoutMs: number): Promise<JobHandler> {
  const module: unknown = await import(pathToFileURL(file).href)
  const exported = (module as { handler?: unknown }).handler
  if (exported === undefined) throw new Error('must export a const named `handler`')
  const parsed = userHandlerSchema.safeParse(exported, { error: zodMessages })
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'handler'}: ${issue.message}`).join('; '),
    )
  }
  const { type, batch = null, schema, run } = parsed.data
  const policy = jobPolicySchema.parse({ ...DEFAULT_POLICY, timeout_ms: timeoutMs, ...parsed.data.policy, batch })
  if (batch !== null && batch.max_wait_ms >= policy.timeout_ms)
    throw new Error(`batch.max_wait_ms: must be below the timeout of ${policy.timeout_ms} ms, which it is part of`)
  return {
    type,
    policy,
    schema: toSchema(schema),
    run: batch === null ? run : batchRun(batch, run as RunBatch),
  }
}

/** A zod schema unchanged, or one made from a JSON Schema. */
function toSchema(schema: unknown): z.ZodType | null {
  if (schema === undefined || schema === null) return null
  if (schema instanceof z.ZodType) return schema
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
}
