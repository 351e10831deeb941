import type { Next } from 'koa'
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '#shared/errors/app-error.ts'
import { SECOND } from '#shared/time/clock.ts'
import type { AppContext } from './app.ts'

export interface RateLimit {
  /** Name of the limit in the RateLimit fields. */
  name: 'address' | 'token'
  /** Requests per window; 0: no limit. */
  requests: number
  windowS: number
}

/**
 * Refuses requests beyond a limit. Every replica counts for itself: the limit is that of one replica. The header fields
 * are those of draft-ietf-httpapi-ratelimit-headers.
 * @param keyOf the key under which a request is counted; null: this request is not
 * @returns middleware that throws AppError `rate-limited`
 */
export function limitRate({ name, requests, windowS }: RateLimit, keyOf: (ctx: AppContext) => string | null) {
  if (requests === 0) return (_ctx: AppContext, next: Next): Promise<void> => next()
  const limiter = new RateLimiterMemory({ points: requests, duration: windowS })
  return async (ctx: AppContext, next: Next): Promise<void> => {
    const key = keyOf(ctx)
    if (key === null) return next()
    const { remainingPoints, msBeforeNext, isOver } = await consume(limiter, key)
    // Calculated from the wall clock, which may have been set meanwhile; the window itself ends by a timer.
    const leftS = Math.min(Math.max(Math.ceil(msBeforeNext / SECOND), 0), windowS)
    ctx.append('RateLimit-Policy', `"${name}";q=${requests};w=${windowS}`)
    ctx.append('RateLimit', `"${name}";r=${remainingPoints};t=${leftS}`)
    if (isOver) {
      throw new AppError(
        'rate-limited',
        `The limit is ${requests} requests in ${windowS} s. Try again in ${leftS} s.`,
        {
          headers: { 'Retry-After': String(leftS) },
        },
      )
    }
    await next()
  }
}

/** Takes one request from the limit. The library throws its result where the limit is reached. */
async function consume(limiter: RateLimiterAbstract, key: string): Promise<RateLimiterRes & { isOver: boolean }> {
  try {
    return Object.assign(await limiter.consume(key), { isOver: false })
  } catch (result) {
    if (result instanceof RateLimiterRes) return Object.assign(result, { isOver: true })
    throw result
  }
}
