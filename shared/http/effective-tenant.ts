import type { Caller } from '#shared/auth/caller.ts'
import { badParameters } from './read-query.ts'

/**
 * Names are each tenant's own: who is bound to none says whose is meant.
 * @param named the parameter `tenant`
 * @throws AppError `invalid-request` where it is not the caller's
 */
export function effectiveTenant({ tenant: own }: Caller, named: string | undefined): string | null {
  if (own !== null && named !== undefined && named !== own)
    throw badParameters([{ parameter: 'tenant', detail: 'is not the tenant of the token' }])
  return own ?? named ?? null
}
