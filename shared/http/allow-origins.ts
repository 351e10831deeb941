import cors from '@koa/cors'
import type { Middleware } from 'koa'

/** Seconds for which a browser may cache the answer to a preflight. */
const PREFLIGHT_MAX_AGE_S = 7_200
/** Headers of an answer that a page may read. */
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
