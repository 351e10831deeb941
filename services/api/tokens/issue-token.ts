import { type Client, clientsReader, findClient } from '#shared/auth/clients-file.ts'
import type { AuthConfig } from '#shared/auth/settings.ts'
import { type SignOptions, signToken } from '#shared/auth/sign-token.ts'
import { isScope, type Scope, type Token } from '#shared/contracts/http/tokens.ts'
import { AppError, cannotRead } from '#shared/errors/app-error.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Clock } from '#shared/time/clock.ts'

export interface IssueTokenDeps {
  /** null where this api issues no tokens. */
  issuing: Issuing | null
  clock: Clock
  log: Logger
}

export interface Issuing {
  /** @throws when the file cannot be read */
  readClients(): Promise<Client[]>
  signing: Omit<SignOptions, 'nowMs'>
}

export function issuingFrom(config: AuthConfig): Issuing | null {
  if (config.JWT_SECRET === undefined || config.CLIENTS_FILE === undefined) return null
  return {
    readClients: clientsReader(config.CLIENTS_FILE),
    signing: {
      secret: config.JWT_SECRET,
      issuer: config.JWT_ISSUER,
      audience: config.JWT_AUDIENCE,
      tenantClaim: config.JWT_TENANT_CLAIM,
      ttlS: config.TOKEN_TTL_S,
    },
  }
}

/**
 * Issues a short-lived token to a client that proves itself by its secret. A client that was removed from the file gets
 * no more tokens.
 * @param scope scopes separated by blanks; undefined: all that the client has
 * @throws AppError `not-found` where no tokens are issued, `invalid-client`, `invalid-scope`, `unavailable`
 */
export async function issueToken(
  { issuing, clock, log }: IssueTokenDeps,
  { clientId, secret, scope }: { clientId: string; secret: string; scope: string | undefined },
): Promise<Token> {
  if (issuing === null)
    throw new AppError('not-found', 'This server issues no tokens; ask the issuer that it trusts for one.')
  const clients = await issuing.readClients().catch(cannotRead('The clients file'))
  const client = findClient(clients, clientId, secret)
  // Not logged: anybody could fill the log. The metric of requests counts the 401 of this route.
  if (client === null) throw invalidClient('No client has this id and secret.')
  const scopes = scopesFor(client, scope)
  const caller = { subject: client.client_id, scopes, tenant: client.tenant, types: client.types ?? null }
  const token = await signToken(caller, { ...issuing.signing, nowMs: clock.now() })
  log.info({ client_id: client.client_id, scopes, tenant: client.tenant }, 'token issued')
  return { access_token: token, token_type: 'Bearer', expires_in: issuing.signing.ttlS, scope: scopes.join(' ') }
}

export const invalidClient = (detail: string): AppError =>
  new AppError('invalid-client', detail, { headers: { 'WWW-Authenticate': 'Basic realm="hasty"' } })

function scopesFor(client: Client, asked: string | undefined): Scope[] {
  const words = [...new Set((asked ?? '').split(' ').filter((word) => word !== ''))]
  if (words.length === 0) return client.scopes
  const granted = words.filter(isScope).filter((word) => client.scopes.includes(word))
  if (granted.length === words.length) return granted
  throw new AppError('invalid-scope', `The client may request these scopes: ${client.scopes.join(' ')}.`)
}
