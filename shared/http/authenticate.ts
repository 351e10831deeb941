import type { Next } from 'koa'
import { ANYONE, type Caller, checkScope } from '#shared/auth/caller.ts'
import { invalidToken, type VerifyToken } from '#shared/auth/verify-token.ts'
import type { Operation } from '#shared/contracts/http/operations/operation.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from './app.ts'

/** RFC 6750. A token has only these characters, so any other text needs no cryptography. */
const BEARER = /^Bearer +(?<token>[A-Za-z0-9._~+/-]+=*)$/i
const TOKEN_MAX_LENGTH = 8_192

/**
 * Runs once a route is known, and before its body is read.
 * @param verify null: no token is required
 * @param needed the scope that a token must have; `any` where each scope will do, null where none is needed
 * @returns middleware that throws AppError `token-required`, `invalid-token`, `insufficient-scope`; `unavailable`
 */
export const authenticate =
  (verify: VerifyToken | null, needed: Operation['scope']) =>
  async (ctx: AppContext, next: Next): Promise<void> => {
    if (needed === null) return next()
    const caller = verify === null ? ANYONE : await verify(tokenOf(ctx.get('authorization')))
    ctx.state.caller = caller
    if (needed !== 'any') checkScope(caller, needed)
    await next()
  }

/** @throws on an open route, which has no caller */
export function callerOf(ctx: AppContext): Caller {
  if (ctx.state.caller === undefined) throw new Error('this route has no caller')
  return ctx.state.caller
}

/** The key under which requests of one token are counted; null where no token was required. */
export function tokenKeyOf({ state: { caller } }: AppContext): string | null {
  return caller === undefined || caller === ANYONE ? null : JSON.stringify([caller.tenant, caller.subject])
}

function tokenOf(header: string): string {
  if (header === '') {
    throw new AppError('token-required', 'Send a token in the header `Authorization: Bearer TOKEN`.', {
      headers: { 'WWW-Authenticate': 'Bearer realm="hasty"' },
    })
  }
  const token = BEARER.exec(header)?.groups?.['token']
  if (token === undefined || token.length > TOKEN_MAX_LENGTH)
    throw invalidToken('The Authorization header must be `Bearer` and a token.')
  return token
}
