import { createSecretKey, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Caller } from './caller.ts'

/** Minimum length of a secret: the length of HS256's hash. */
export const SECRET_MIN_BYTES = 32

export interface SignOptions {
  /** At least SECRET_MIN_BYTES long. */
  secret: string
  issuer: string
  audience: string
  /** Name of the claim that carries the tenant. */
  tenantClaim: string
  ttlS: number
  nowMs: number
}

/** `types`: as in a Caller; all by default. */
type SignedCaller = Pick<Caller, 'subject' | 'scopes' | 'tenant'> & Partial<Pick<Caller, 'types'>>

/** An HS256 token, valid for `ttlS` seconds. */
export function signToken(
  { subject, scopes, tenant, types = null }: SignedCaller,
  options: SignOptions,
): Promise<string> {
  const issuedAtS = Math.floor(options.nowMs / 1000)
  return new SignJWT({
    scope: scopes.join(' '),
    ...(types === null ? {} : { types: types.join(' ') }),
    ...(tenant === null ? {} : { [options.tenantClaim]: tenant }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setIssuer(options.issuer)
    .setAudience(options.audience)
    .setIssuedAt(issuedAtS)
    .setExpirationTime(issuedAtS + options.ttlS)
    .sign(secretKey(options.secret))
}

export const secretKey = (secret: string): KeyObject => createSecretKey(Buffer.from(secret))
