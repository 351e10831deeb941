import Router from '@koa/router'
import type { Next } from 'koa'
import type { z } from 'zod'
import type { AuthConfig } from '#shared/auth/settings.ts'
import { createVerifier, type VerifyToken } from '#shared/auth/verify-token.ts'
import type { Operation } from '#shared/contracts/http/operations/operation.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { AppContext } from './app.ts'
import { authenticate, tokenKeyOf } from './authenticate.ts'
import { DirectRoutes } from './direct-routes.ts'
import { limitRate, type RateLimit } from './limit-rate.ts'
import { readBody } from './read-body.ts'
import { readQuery } from './read-query.ts'

type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never

/** The content of a request, read by the schemas of its operation. */
export interface Input<O extends Operation> {
  params: Record<ParamNames<O['path']>, string>
  query: O extends { query: infer Query extends z.ZodType } ? z.output<Query> : undefined
  /** undefined also where the operation accepts media types besides JSON: its route reads those itself. */
  body: O extends { body: { mediaTypes: object } }
    ? undefined
    : O extends { body: { schema: infer Body extends z.ZodType } }
      ? z.output<Body>
      : undefined
}

/** A router whose routes are operations: their path, scope and input are the ones in the OpenAPI document. */
export class GuardedRouter {
  readonly #router = new Router()
  readonly #direct = new DirectRoutes()
  readonly #verify: VerifyToken | null
  readonly #limit: ReturnType<typeof limitRate>

  /** @param verify null: no token is required */
  constructor(verify: VerifyToken | null, tokenLimit: RateLimit) {
    this.#verify = verify
    this.#limit = limitRate(tokenLimit, tokenKeyOf)
  }

  /** Adds a route. Among routes that match the same address, the one added first answers. */
  serve<const O extends Operation>(operation: O, handle: (ctx: AppContext, input: Input<O>) => unknown): void {
    this.forward(operation, async (ctx) => {
      await handle(ctx, await readInput(ctx, operation))
    })
  }

  /** Adds a route whose query and body another service checks. */
  forward({ method, path, scope }: Operation, handle: (ctx: AppContext) => Promise<void>): void {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
    const guard = authenticate(this.#verify, scope)
    const guarded = (ctx: AppContext) => guard(ctx, () => this.#limit(ctx, () => handle(ctx)))
    this.#direct.add(method.toUpperCase(), pattern, guarded)
    this.#router[method](pattern, guarded)
  }

  middleware() {
    return [
      (ctx: AppContext, next: Next) => this.#serveDirectly(ctx, next),
      this.#router.routes(),
      this.#router.allowedMethods(),
    ] as const
  }

  #serveDirectly(ctx: AppContext, next: Next): Promise<void> {
    const found = this.#direct.find(ctx.method, ctx.path)
    if (found === null) return next()
    ctx['params'] = found.params
    ctx['_matchedRoute'] = found.route.pattern
    return found.route.handle(ctx)
  }
}

async function readInput<O extends Operation>(ctx: AppContext, { query, body }: O): Promise<Input<O>> {
  return {
    params: ctx['params'],
    query: query === undefined ? undefined : readQuery(ctx, query),
    body: body === undefined || body.mediaTypes !== undefined ? undefined : await readBody(ctx, body),
  } as Input<O>
}

export type GuardConfig = AuthConfig & { HOST: string; RATE_LIMIT_PER_TOKEN: number; RATE_LIMIT_WINDOW_S: number }

/** A router that requires a token unless AUTH is off. */
export function createGuardedRouter(config: GuardConfig, clock: Clock, log: Logger): GuardedRouter {
  const verify = config.AUTH === 'required' ? createVerifier(config, clock) : null
  if (verify === null)
    log.warn({ host: config.HOST }, 'AUTH is off: everybody who can reach this address may do everything')
  return new GuardedRouter(verify, {
    name: 'token',
    requests: config.RATE_LIMIT_PER_TOKEN,
    windowS: config.RATE_LIMIT_WINDOW_S,
  })
}
