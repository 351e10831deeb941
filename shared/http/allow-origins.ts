import cors from '@koa/cors'
import type { Middleware } from 'koa'

/** Seconds for which a browser need not ask again. */
const PREFLIGHT_MAX_AGE_S = 7_200
/** What a page may read of an answer, besides its body. */
const EXPOSED = [
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
]

/** CORS for the pages of these origins alone. Tokens travel in a header that pages set, so credentials are not allowed. */
export function allowOrigins(origins: string[]): Middleware {
  return cors({
    // The answer repeats an origin of the list, never whatever was sent; an empty text sends no header.
    origin: (ctx) => origins.find((origin) => origin === ctx.get('origin')) ?? '',
    exposeHeaders: EXPOSED,
    maxAge: PREFLIGHT_MAX_AGE_S,
  })
}
