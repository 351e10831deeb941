import { z } from 'zod'
import { ConfigError, flagSetting, integerSetting, optionalText, textSetting } from '#shared/process/config.ts'
import { DAY, SECOND } from '#shared/time/clock.ts'
import { SECRET_MIN_BYTES } from './sign-token.ts'

/**
 * Algorithms with a public key. Symmetric ones are never accepted: a public key must not verify what anybody can sign
 * with it.
 */
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

const secretSetting = () =>
  z
    .string()
    .refine((text) => Buffer.byteLength(text) >= SECRET_MIN_BYTES, `must have at least ${SECRET_MIN_BYTES} bytes`)
    .optional()

const OTHER_CLAIMS = ['sub', 'scope', 'scp', 'iss', 'aud', 'exp', 'iat', 'nbf', 'jti']

export const authSettings = {
  AUTH: z
    .enum(['off', 'required'], 'expected off or required')
    .optional()
    .meta({ values: 'off, required' })
    .describe(
      '`required`: every request needs a token. `off`: none does. By default off on loopback; on any other HOST it must be set.',
    ),
  JWT_SECRET: secretSetting().describe(`Signs and verifies HS256 tokens; at least ${SECRET_MIN_BYTES} bytes.`),
  JWT_SECRET_PREVIOUS: secretSetting().describe(
    'A second secret that verifies and does not sign, while secrets change.',
  ),
  JWT_JWKS_URL: z
    .string()
    .refine((text) => URL.canParse(text) && /^https?:\/\//.test(text), 'expected an https or http address')
    .optional()
    .describe('Address of the keys of another issuer, instead of JWT_SECRET.'),
  JWT_ALGORITHMS: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(ASYMMETRIC, `expected some of ${ASYMMETRIC.join(', ')}`)))
    .default(['RS256', 'ES256', 'EdDSA'])
    .meta({ values: `some of ${ASYMMETRIC.join(', ')}` })
    .describe('Algorithms accepted from JWT_JWKS_URL.'),
  JWT_ISSUER: textSetting('hasty').describe('Required value of `iss`.'),
  JWT_AUDIENCE: textSetting('hasty').describe('Required value of `aud`.'),
  JWT_MAX_AGE_S: integerSetting(DAY / SECOND, 60).describe(
    'Seconds after which a token is refused, whatever its `exp` says.',
  ),
  JWT_TENANT_CLAIM: z
    .string()
    .refine((name) => !OTHER_CLAIMS.includes(name), 'is a claim with a different meaning')
    .default('tenant')
    .describe('The claim that binds a token to a tenant.'),
  TENANT_REQUIRED: flagSetting(false).describe(
    'Whether every token without the scope `admin` must be bound to a tenant.',
  ),
  TOKEN_TTL_S: integerSetting(900, 60, DAY / SECOND).describe('Seconds for which tokens of `POST /token` are valid.'),
  CLIENTS_FILE: optionalText().describe('File of the clients of `POST /token`: `hasty admin add-client` writes it.'),
}

export type AuthConfig = z.output<z.ZodObject<typeof authSettings>>

/** Whether Node reads the host as an address of this machine alone. */
const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** @throws ConfigError for settings that are valid one by one but not together */
export function checkAuthSettings({ HOST, ...auth }: AuthConfig & { HOST: string }): void {
  const lines: string[] = []
  if (auth.AUTH === undefined && !isLoopback(HOST)) {
    lines.push(`AUTH: must be set because HOST ${HOST} is not loopback: required, or off to allow anonymous access`)
  }
  if (auth.AUTH === undefined && (auth.JWT_SECRET ?? auth.JWT_JWKS_URL) !== undefined) {
    lines.push('AUTH: must be set because there is a key for tokens: required, or off to allow anonymous access')
  }
  if (auth.AUTH === 'required' && auth.JWT_SECRET === undefined && auth.JWT_JWKS_URL === undefined) {
    lines.push('AUTH: required needs JWT_SECRET (or JWT_SECRET_FILE) or JWT_JWKS_URL, got neither')
  }
  if (auth.JWT_SECRET !== undefined && auth.JWT_JWKS_URL !== undefined) {
    lines.push('JWT_JWKS_URL: cannot be combined with JWT_SECRET')
  }
  if (auth.JWT_SECRET_PREVIOUS !== undefined && auth.JWT_SECRET === undefined) {
    lines.push('JWT_SECRET_PREVIOUS: requires JWT_SECRET, which signs new tokens')
  }
  if (auth.CLIENTS_FILE !== undefined && auth.JWT_SECRET === undefined) {
    lines.push('CLIENTS_FILE: requires JWT_SECRET, which signs the tokens of its clients')
  }
  if (lines.length > 0) throw new ConfigError(lines.join('\n'))
}
