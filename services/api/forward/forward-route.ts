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

/** A handler may keep its replica's main loop to itself: another one is asked then. */
const WORKERS_WITHIN_MS = 5 * SECOND
/** It waits for the broker itself. */
const REQUESTS_WITHIN_MS = 15 * SECOND

/** What other services answer. */
export function forwardRoutes(router: GuardedRouter, deps: ForwardDeps): void {
  forwardWorkersRoutes(router, deps)
  forwardRequestsRoutes(router, deps)
}

/** The routes of the job service, which knows no tokens and is reached by nobody else. */
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

/** What a request says to the workflow service. The rest is between the caller and this api, `Origin` above all. */
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
 * The routes of the workflow service, where no proxy stands before both. It asks for tokens itself, and must believe
 * this api about ids and addresses (TRUST_PROXY).
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
        ...idOf(ctx),
        'X-Forwarded-For': peerOf(ctx, config.TRUST_PROXY),
      }
      const hasBody = operation.method === 'post' || operation.method === 'put'
      const body = hasBody ? { body: new Uint8Array(await readRaw(ctx, BODY_MAX_BYTES)) } : {}
      answer(ctx, await forward({ method: ctx.method, target: targetOf(ctx), headers, ...body }))
    })
}

/** @throws AppError `not-found` for a path that would be another one at the service: `..\..\metrics` */
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
