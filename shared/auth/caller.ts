import { SCOPES, type Scope } from '#shared/contracts/http/tokens.ts'
import { AppError } from '#shared/errors/app-error.ts'

/** Who asks, as far as a token tells. */
export interface Caller {
  subject: string
  scopes: readonly Scope[]
  /** The only tenant whose jobs there are for this caller; null: bound to none, all jobs are there. */
  tenant: string | null
  /** Until when the token is good, milliseconds since 1970: what lasts longer than a request ends then. */
  untilMs: number
}

/** Everybody, where no token is asked for. */
export const ANYONE: Caller = { subject: 'anyone', scopes: SCOPES, tenant: null, untilMs: Number.POSITIVE_INFINITY }

/**
 * `admin` allows everything; of a tenant's own it allows no more than reading and writing, because types and workers
 * are everybody's.
 * @throws AppError `insufficient-scope`
 */
export function checkScope(caller: Caller, needed: Scope): void {
  const isOperator = caller.scopes.includes('admin')
  if (needed === 'admin' ? isOperator && caller.tenant === null : isOperator || caller.scopes.includes(needed)) return
  const detail =
    needed === 'admin' && isOperator
      ? 'This affects all tenants, and the token is bound to one.'
      : `This requires a token with the scope ${needed}.`
  throw new AppError('insufficient-scope', detail, {
    headers: { 'WWW-Authenticate': `Bearer realm="hasty", error="insufficient_scope", scope="${needed}"` },
  })
}

/** Whether this caller may know of what belongs to the given tenant (null: to none). */
export const maySee = ({ tenant }: Pick<Caller, 'tenant'>, owner: string | null): boolean =>
  tenant === null || tenant === owner
