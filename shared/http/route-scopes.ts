import type { Scope } from '#shared/contracts/http/tokens.ts'

/** Addresses that need no token: they say nothing of anybody's jobs. `/token` is where tokens come from. */
const OPEN = /^\/(token|docs|openapi(-3\.1)?\.json|problems|heartbeat|livez|readyz|metrics)(\/|$)/
/** Everybody's: types as they are run by all workers, the workers with all they ran, and what became of messages. */
const ADMIN = /^(POST|PATCH) \/v1\/types\/|^[A-Z]+ \/v1\/(workers(\/|$)|message\/)/
/** Any token will do. */
const OWN = '/v1/caller'

/**
 * What a token must allow for a route; null where none is needed, `any` where each will do.
 * @param route its pattern, as `/v1/jobs/:job_id`
 */
export function scopeOf(method: string, route: string): Scope | 'any' | null {
  if (OPEN.test(route)) return null
  if (route === OWN) return 'any'
  if (ADMIN.test(`${method} ${route}`)) return 'admin'
  return method === 'GET' || method === 'HEAD' ? 'jobs:read' : 'jobs:write'
}
