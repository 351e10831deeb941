import Koa, { type Context, type Next } from 'koa'
import type { Caller } from '#shared/auth/caller.ts'
import type { ProblemCode } from '#shared/contracts/http/problems.ts'
import { AppError, nothingHere, problemOf } from '#shared/errors/app-error.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Histogram } from '#shared/process/metrics.ts'
import type { Health } from '#shared/service/health.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import { allowOrigins } from './allow-origins.ts'
import { checkRequest, pathOf } from './check-request.ts'
import { addressOf } from './client-address.ts'
import type { GuardedRouter } from './guarded-router.ts'
import { limitRate, type RateLimit } from './limit-rate.ts'
import { endServerSpan, startServerSpan } from './server-span.ts'

/** nginx creates one id for each request and sends it with all its tries, always overwriting a client's. */
export const REQUEST_ID_HEADER = 'hasty-request-id'

export interface AppState {
  requestId: string
  /** The id came from our own proxy, so a repeated id means a repeated request. */
  requestIdTrusted: boolean
  /** The W3C trace context of the request's span, where spans are recorded. */
  traceparent?: string
  /** Set by `authenticate` on routes that need a token. */
  caller?: Caller
}

export type AppContext = Context & { state: AppState }

export interface AppOptions {
  router: GuardedRouter
  health: Health
  clock: Clock
  log: Logger
  tracing: Tracing | null
  trustProxy: boolean
  /** Pages from these origins may call the service; none by default. */
  corsOrigins: string[]
  /** Limit of the requests from one address. */
  addressLimit: RateLimit
  httpSeconds: Histogram<'route' | 'method' | 'code'>
}

/** The one place where errors become HTTP. */
export function createApp(options: AppOptions): Koa {
  const app = new Koa()
  app.silent = true
  app.use((ctx, next) => measured(options, ctx, () => bounded(options, ctx, next)))
  app.use((ctx, next) => operatorRoutes(options.health, ctx, next))
  if (options.corsOrigins.length > 0) app.use(allowOrigins(options.corsOrigins))
  app.use(limitRate(options.addressLimit, (ctx) => addressOf(ctx, options.trustProxy)))
  for (const middleware of options.router.middleware()) app.use(middleware)
  return app
}

async function measured(options: AppOptions, ctx: Context, next: Next): Promise<void> {
  const startedMs = options.clock.monotonic()
  const span = options.tracing === null ? null : startServerSpan(options.tracing, ctx)
  await next()
  const route = typeof ctx['_matchedRoute'] === 'string' ? ctx['_matchedRoute'] : 'other'
  options.httpSeconds.observe(
    { route, method: KNOWN_METHODS.has(ctx.method) ? ctx.method : 'other', code: String(ctx.status) },
    (options.clock.monotonic() - startedMs) / 1000,
  )
  if (span !== null) endServerSpan(span, ctx, route)
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const REQUEST_ID_PATTERN = /^[A-Za-z0-9._-]{8,128}$/

async function bounded(options: AppOptions, ctx: AppContext, next: Next): Promise<void> {
  const sent = options.trustProxy ? ctx.get(REQUEST_ID_HEADER) : ''
  const requestIdTrusted = REQUEST_ID_PATTERN.test(sent)
  const requestId = requestIdTrusted ? sent : newNonce()
  ctx.state.requestId = requestId
  ctx.state.requestIdTrusted = requestIdTrusted
  ctx.set('X-Request-Id', requestId)
  ctx.set('X-Content-Type-Options', 'nosniff')
  try {
    checkRequest(ctx)
    await next()
    if (ctx.body === undefined || ctx.body === null) explainEmpty(ctx)
  } catch (error) {
    const shown = toAppError(options.log, ctx, error)
    sendProblem(ctx, shown)
  }
}

/** Explains the router's answers without a body: 404, 405 and 501. */
function explainEmpty(ctx: AppContext): void {
  // Methods that HTTP defines and the router does not know.
  const code = EMPTY_ANSWERS[KNOWN_TO_HTTP.has(ctx.method) && ctx.status === 501 ? 405 : ctx.status]
  if (code !== undefined) sendProblem(ctx, new AppError(code, DETAILS[code] ?? ''))
}

const KNOWN_TO_HTTP = new Set(['TRACE', 'QUERY'])
const EMPTY_ANSWERS: Record<number, ProblemCode> = {
  404: 'not-found',
  405: 'method-not-allowed',
  501: 'not-implemented',
}
const DETAILS: Partial<Record<ProblemCode, string>> = {
  'not-found': nothingHere().message,
  'method-not-allowed': 'The Allow header lists the methods of this address.',
  'not-implemented': 'This method is not supported.',
}

function toAppError(log: Logger, ctx: AppContext, error: unknown): AppError {
  if (error instanceof AppError) {
    if (error.status >= 500) log.warn({ err: error, request_id: ctx.state.requestId }, 'request could not be served')
    else log.debug({ code: error.code, request_id: ctx.state.requestId }, 'request refused')
    return error
  }
  log.error({ err: error, request_id: ctx.state.requestId }, 'request failed')
  return new AppError('internal', 'The failure was logged under this request_id.', { cause: error })
}

function sendProblem(ctx: AppContext, error: AppError): void {
  ctx.status = error.status
  ctx.set(error.headers)
  ctx.body = JSON.stringify(problemOf(error, ctx.state.requestId, pathOf(ctx)?.slice(0, 100)))
  ctx.type = 'application/problem+json'
}

async function operatorRoutes(health: Health, ctx: Context, next: Next): Promise<void> {
  const answering = ctx.method === 'GET' || ctx.method === 'HEAD' ? health.answer(ctx.path) : null
  if (answering === null) return next()
  const answer = await answering
  ctx.status = answer.status
  ctx.set('Cache-Control', 'no-store')
  ctx.body = answer.body
  ctx.type = answer.contentType
}
