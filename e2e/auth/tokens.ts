import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'

export const SECRET = 'a secret for tests of thirty-two bytes or more'

export interface TokenOptions {
  /** Besides scope `jobs:read jobs:write`; undefined leaves a claim out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  secret?: string
  nowMs?: number
}

/** As another program would make it: nothing of ours takes part. */
export function tokenOf(subject: string, { claims = {}, header = {}, secret = SECRET, nowMs }: TokenOptions = {}) {
  const nowS = Math.floor((nowMs ?? Date.now()) / 1000)
  const given = {
    sub: subject,
    iss: 'hasty',
    aud: 'hasty',
    iat: nowS,
    exp: nowS + 600,
    scope: 'jobs:read jobs:write',
    ...claims,
  }
  const jwt = new SignJWT(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)))
  return jwt.setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header }).sign(createSecretKey(Buffer.from(secret)))
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
