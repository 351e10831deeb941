import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { NAME_PATTERN } from '#shared/contracts/http/names.ts'
import { isScope } from '#shared/contracts/http/tokens.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { type Clock, HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'
import type { Caller } from './caller.ts'
import type { AuthConfig } from './settings.ts'
import { secretKey } from './sign-token.ts'

/**
 * Finds the caller that a token stands for.
 * @throws AppError `invalid-token`; `unavailable` when the issuer's keys cannot be fetched
 */
export type VerifyToken = (token: string) => Promise<Caller>

/** Seconds by which the clocks of issuer and api may differ. */
const TOLERANCE_S = 5
/** An unknown key makes the verifier fetch the keys again, but no more often than this. */
const JWKS_COOLDOWN_MS = 30 * SECOND
/** Period of the regular refresh of the keys, which happens beside the requests. */
const JWKS_REFRESH_MS = 10 * MINUTE
/** Age up to which the last keys stay valid while their issuer is down. */
const JWKS_MAX_AGE_MS = 1 * HOUR
const JWKS_TIMEOUT_MS = 5 * SECOND
/** Pause after a fetch that the issuer did not answer. */
const JWKS_DOWN_MS = 5 * SECOND
/** Accepted `typ` headers: a JWT, or an OAuth access token (RFC 9068). */
const TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt'])
const SUBJECT_MAX_LENGTH = 200

/**
 * Time for which a valid token is not verified again (40 us each, half of what accepting a job costs); a token whose
 * key was withdrawn stays valid as long.
 */
const REMEMBERED_MS = 60 * SECOND
const REMEMBERED_MAX = 1_000

type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTVerifyResult>

/** A verifier that sets everything jose leaves open by default (no exp, no aud, other algorithms). */
export function createVerifier(config: AuthConfig, clock: Clock): VerifyToken {
  const { verify, algorithms } = keysOf(config, clock)
  return remembering(clock, async (token) => {
    const options: JWTVerifyOptions = {
      algorithms,
      issuer: config.JWT_ISSUER,
      audience: config.JWT_AUDIENCE,
      requiredClaims: ['exp', 'iat', 'sub'],
      maxTokenAge: config.JWT_MAX_AGE_S,
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(clock.now()),
    }
    const { payload, protectedHeader } = await verify(token, options).catch((error: unknown) => {
      throw tokenError(error)
    })
    const { typ } = protectedHeader
    if (typ !== undefined && !TYPES.has(typ.toLowerCase()))
      throw invalidToken('The token has a typ that is not accepted. Send an access token.')
    return callerOf(payload, config)
  })
}

/** Remembers valid tokens only, so nobody can fill the memory with invalid ones. */
function remembering(clock: Clock, verify: VerifyToken): VerifyToken {
  const known = new Map<string, { caller: Caller; untilMs: number }>()
  return async (token) => {
    const nowMs = clock.now()
    const before = known.get(token)
    if (before !== undefined && nowMs < before.untilMs) return before.caller
    known.delete(token)
    const caller = await verify(token)
    known.set(token, { caller, untilMs: Math.min(caller.untilMs, nowMs + REMEMBERED_MS) })
    const [oldest] = known.keys()
    if (known.size > REMEMBERED_MAX && oldest !== undefined) known.delete(oldest)
    return caller
  }
}

function keysOf(config: AuthConfig, clock: Clock): { verify: Verify; algorithms: string[] } {
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previous, JWT_JWKS_URL: jwksUrl } = config
  if (secret !== undefined) {
    const keys = [secret, ...(previous === undefined ? [] : [previous])].map(secretKey)
    return { verify: (token, options) => verifyWithAny(keys, token, options), algorithms: ['HS256'] }
  }
  if (jwksUrl === undefined) throw new Error('there is no key to verify tokens with')
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  const jwks = createRemoteJWKSet(new URL(jwksUrl), {
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
    timeoutDuration: JWKS_TIMEOUT_MS,
    [customFetch]: fetchSeldomWhenDown(clock, () => {
      fetchedAtMs = clock.monotonic()
    }),
  })
  let refreshAtMs = clock.monotonic() + JWKS_REFRESH_MS
  const verify: Verify = (token, options) => {
    if (clock.monotonic() > refreshAtMs) {
      refreshAtMs = clock.monotonic() + JWKS_REFRESH_MS
      // The next reload makes up for one that fails.
      jwks.reload().catch(() => undefined)
    }
    return jwtVerify(token, jwks, options).catch(async (error: unknown) => {
      // jose's own cooldown goes by the wall clock, which may have been ahead at the last fetch.
      const isCool = clock.monotonic() - fetchedAtMs > JWKS_COOLDOWN_MS
      if (!(error instanceof errors.JWKSNoMatchingKey) || !isCool) throw error
      await jwks.reload()
      return jwtVerify(token, jwks, options)
    })
  }
  return { verify, algorithms: config.JWT_ALGORITHMS }
}

/**
 * A fetch that rests after a failure. jose's cooldown counts only from a fetch that worked: without this, each request
 * would ask an issuer that is down.
 */
function fetchSeldomWhenDown(clock: Clock, onFetched: () => void): FetchImplementation {
  let downUntilMs = 0
  return async (url, options) => {
    if (clock.monotonic() < downUntilMs) throw new Error('the keys could not be fetched a moment ago')
    downUntilMs = clock.monotonic() + JWKS_DOWN_MS
    const response = await fetch(url, options)
    if (response.ok) {
      downUntilMs = 0
      onFetched()
    }
    return response
  }
}

async function verifyWithAny(
  [key, ...others]: ReturnType<typeof secretKey>[],
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  if (key === undefined) throw new errors.JWSSignatureVerificationFailed()
  try {
    return await jwtVerify(token, key, options)
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed && others.length > 0)
      return verifyWithAny(others, token, options)
    throw error
  }
}

function tokenError(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) return invalidToken('The token has expired.', error)
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalidToken(`The token's claim ${error.claim} has an unexpected value.`, error)
  if (error instanceof errors.JOSEError && !UNFETCHED.has(error.code))
    return invalidToken('The token is not valid.', error)
  return unavailable('The keys for verifying tokens cannot be fetched at the moment. Try again.', error)
}

/** jose's codes for a JWKS that did not answer, or not with keys. All its other errors are the token's fault. */
const UNFETCHED: ReadonlySet<string> = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'])

export const invalidToken = (detail: string, cause?: unknown): AppError =>
  new AppError('invalid-token', detail, {
    headers: { 'WWW-Authenticate': 'Bearer realm="hasty", error="invalid_token"' },
    cause,
  })

function callerOf(payload: JWTPayload, config: AuthConfig): Caller {
  const { sub } = payload
  if (typeof sub !== 'string' || sub === '' || sub.length > SUBJECT_MAX_LENGTH)
    throw invalidToken("The token's claim sub is not what is expected here.")
  const scopes = wordsOf(payload['scope'] ?? payload['scp']).filter(isScope)
  const tenant = payload[config.JWT_TENANT_CLAIM] ?? null
  if (tenant !== null && !(typeof tenant === 'string' && NAME_PATTERN.test(tenant)))
    throw invalidToken(`The token's claim ${config.JWT_TENANT_CLAIM} is not a valid tenant.`)
  if (tenant === null && config.TENANT_REQUIRED && !scopes.includes('admin'))
    throw invalidToken(`The token lacks the claim ${config.JWT_TENANT_CLAIM}, which this server requires.`)
  const untilS = Math.min(payload.exp ?? 0, (payload.iat ?? 0) + config.JWT_MAX_AGE_S)
  const types = payload['types'] === undefined ? null : wordsOf(payload['types'])
  return { subject: sub, scopes, tenant, types, untilMs: untilS * SECOND }
}

/** The words of a claim: separated by blanks (RFC 8693), or a list, as some issuers write it. */
function wordsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : []
}
