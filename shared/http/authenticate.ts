import type { Next } from 'koa'
import { ANYONE, type Caller, checkScope } from '#shared/auth/caller.ts'
import { invalidToken, type VerifyToken } from '#shared/auth/verify-token.ts'
import type { Operation } from '#shared/contracts/http/operations/operation.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from './app.ts'

/** RFC 6750. A token is nothing but these characters, so what is none needs no cryptography. */
const BEARER = /^Bearer +(?<token>[A-Za-z0-9._~+/-]+=*)$/i
const TOKEN_MAX_LENGTH = 8_192

/**
 * Runs once a route is known, and before its body is read.
 * @param verify null: no token is asked for
 * @param needed what a token must allow; `any` where each will do, null where none is needed
 * @returns middleware that throws AppError `token-required`, `invalid-token`, `insufficient-scope`; `unavailable`
 */
export const authenticate =
  (verify: VerifyToken | null, needed: Operation['scope']) => async (ctx: AppContext, next: Next) => {
    if (needed === null) return next()
    const caller = verify === null ? ANYONE : await verify(tokenOf(ctx.get('authorization')))
    ctx.state.caller = caller
    if (needed !== 'any') checkScope(caller, needed)
    await next()
  }

/** @throws where nobody was asked for a token: an open route has no caller */
export function callerOf(ctx: AppContext): Caller {
  if (ctx.state.caller === undefined) throw new Error('this route has no caller')
  return ctx.state.caller
}

/** Whose requests are counted together; null where nobody was asked for a token. */
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
