import { BODY_MAX_BYTES } from '#shared/contracts/http/jobs.ts'
import { definitionOperations, requestOperations } from '#shared/contracts/http/operations/requests.ts'
import { workerOperations } from '#shared/contracts/http/operations/workers.ts'
import { nothingHere } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { peerOf } from '#shared/http/client-address.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { readRaw } from '#shared/http/read-body.ts'
import type { Logger } from '#shared/process/logger.ts'
import { SECOND } from '#shared/time/clock.ts'
import type { ApiConfig } from '../config.ts'
import { createForwarder, type ForwardedAnswer } from './forwarder.ts'

export interface ForwardDeps {
  config: Pick<ApiConfig, 'JOB_URLS' | 'WORKFLOW_URLS' | 'TRUST_PROXY'>
  log: Logger
}

/** Time limit of one job service: a handler may block its replica's main loop, and then another replica is asked. */
const WORKERS_WITHIN_MS = 5 * SECOND
/** Time limit of the workflow service, which waits for the broker itself. */
const REQUESTS_WITHIN_MS = 15 * SECOND

/** Registers the routes that other services answer. */
export function forwardRoutes(router: GuardedRouter, deps: ForwardDeps): void {
  forwardWorkersRoutes(router, deps)
  forwardRequestsRoutes(router, deps)
}

/** Registers the routes of the job service, which checks no tokens and is reached only through this api. */
function forwardWorkersRoutes(router: GuardedRouter, { config, log }: ForwardDeps): void {
  const forward = createForwarder({
    service: 'job service',
    urls: config.JOB_URLS,
    unknown: 'Workers are served by the job service, and JOB_URLS of this api names none.',
    tryWithinMs: WORKERS_WITHIN_MS,
    log,
  })
  for (const operation of Object.values(workerOperations))
    router.forward(operation, async (ctx) => {
      answer(ctx, await forward({ method: ctx.method, target: targetOf(ctx), headers: idOf(ctx) }))
    })
}

/**
 * Headers of a request that the workflow service gets. All others are between the caller and this api, `Origin` above
 * all.
 */
const TOLD_HEADERS = [
  'accept',
  'authorization',
  'content-encoding',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'traceparent',
]

/**
 * Registers the routes of the workflow service, used where no proxy fronts both services. That service checks tokens
 * itself, and must trust this api about ids and addresses (TRUST_PROXY).
 */
function forwardRequestsRoutes(router: GuardedRouter, { config, log }: ForwardDeps): void {
  const forward = createForwarder({
    service: 'workflow service',
    urls: config.WORKFLOW_URLS,
    unknown: 'Requests are served by the workflow service, and WORKFLOW_URLS of this api names none.',
    tryWithinMs: REQUESTS_WITHIN_MS,
    log,
  })
  for (const operation of Object.values({ ...requestOperations, ...definitionOperations }))
    router.forward(operation, async (ctx) => {
      const told = TOLD_HEADERS.flatMap((name) => (ctx.get(name) === '' ? [] : [[name, ctx.get(name)]]))
      const headers = {
        ...(Object.fromEntries(told) as Record<string, string>),
        ...(ctx.state.traceparent === undefined ? {} : { traceparent: ctx.state.traceparent }),
        ...idOf(ctx),
        'X-Forwarded-For': peerOf(ctx, config.TRUST_PROXY),
      }
      const hasBody = operation.method === 'post' || operation.method === 'put'
      const body = hasBody ? { body: new Uint8Array(await readRaw(ctx, BODY_MAX_BYTES)) } : {}
      answer(ctx, await forward({ method: ctx.method, target: targetOf(ctx), headers, ...body }))
    })
}

/** @throws AppError `not-found` for a path that would mean another one at the service: `..\..\metrics` */
function targetOf({ path, search }: AppContext): string {
  if (new URL(path, 'http://service').pathname === path) return `${path}${search}`
  throw nothingHere()
}
const idOf = (ctx: AppContext): Record<string, string> => ({ 'Hasty-Request-Id': ctx.state.requestId })

function answer(ctx: AppContext, { status, headers, body }: ForwardedAnswer): void {
  ctx.status = status
  ctx.body = body
  ctx.set(headers)
}
