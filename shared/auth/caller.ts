import { SCOPES, type Scope } from '#shared/contracts/http/tokens.ts'
import { AppError } from '#shared/errors/app-error.ts'

/** The caller of a request, as far as a token tells. */
export interface Caller {
  subject: string
  scopes: readonly Scope[]
  /** The only tenant whose jobs this caller can see; null: bound to no tenant, all jobs are visible. */
  tenant: string | null
  /** The only job types that this caller may run as a worker; null: all. */
  types: readonly string[] | null
  /** The end of the token's validity, milliseconds since 1970: anything that lasts longer than a request ends then. */
  untilMs: number
}

/** Everybody, where no token is required. */
export const ANYONE: Caller = {
  subject: 'anyone',
  scopes: SCOPES,
  tenant: null,
  types: null,
  untilMs: Number.POSITIVE_INFINITY,
}

/** The member of an event that tells who caused it; none where nobody had to say who they are. */
export const byMember = ({ subject }: Caller): { by?: string } => (subject === ANYONE.subject ? {} : { by: subject })

/**
 * Refuses a caller without the scope. `admin` allows everything; a caller bound to a tenant gets no more than reading
 * and writing from it, because types and workers belong to everybody.
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

/** Whether this caller may see things of the given tenant (null: of none). */
export const maySee = ({ tenant }: Pick<Caller, 'tenant'>, owner: string | null): boolean =>
  tenant === null || tenant === owner
