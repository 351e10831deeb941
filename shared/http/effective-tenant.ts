import type { Caller } from '#shared/auth/caller.ts'
import { badParameters } from './read-query.ts'

/**
 * The tenant to whom a name in a request belongs: the caller's own; a caller bound to none may choose one.
 * @param named the parameter `tenant`
 * @throws AppError `invalid-request` when it is not the caller's tenant
 */
export function effectiveTenant({ tenant: own }: Caller, named: string | undefined): string | null {
  if (own !== null && named !== undefined && named !== own)
    throw badParameters([{ parameter: 'tenant', detail: 'is not the tenant of the token' }])
  return own ?? named ?? null
}
