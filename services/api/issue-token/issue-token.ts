import { type Client, findClient, readClients } from '#shared/auth/clients-file.ts'
import type { AuthConfig } from '#shared/auth/settings.ts'
import { signToken } from '#shared/auth/sign-token.ts'
import { isScope, type Scope, type Token } from '#shared/contracts/auth.ts'
import type { Clock } from '#shared/runtime/clock.ts'
import { AppError, unavailable } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logger.ts'

export interface IssueTokenDeps {
  /** null where this api issues none. */
  issuing: Issuing | null
  clock: Clock
  log: Logger
}

export interface Issuing {
  clientsFile: string
  secret: string
  issuer: string
  audience: string
  tenantClaim: string
  ttlS: number
}

export function issuingFrom(config: AuthConfig): Issuing | null {
  if (config.JWT_SECRET === undefined || config.CLIENTS_FILE === undefined) return null
  return {
    clientsFile: config.CLIENTS_FILE,
    secret: config.JWT_SECRET,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    tenantClaim: config.JWT_TENANT_CLAIM,
    ttlS: config.TOKEN_TTL_S,
  }
}

/**
 * A short-lived token for a client that proves itself by its secret. The file is read each time: a client that is
 * removed from it gets no token any more.
 * @param scope blanks between; undefined: all that the client has
 * @throws AppError `not-found` where no tokens are issued, `invalid-client`, `invalid-scope`, `unavailable`
 */
export async function issueToken(
  { issuing, clock, log }: IssueTokenDeps,
  { clientId, secret, scope }: { clientId: string; secret: string; scope: string | undefined },
): Promise<Token> {
  if (issuing === null) throw new AppError('not-found', 'No tokens are issued here: another service does it.')
  const client = findClient(await clientsIn(issuing.clientsFile), clientId, secret)
  if (client === null) {
    log.warn({ client_id: clientId.slice(0, 128) }, 'token refused: unknown client or wrong secret')
    throw new AppError('invalid-client', 'There is no client with this id and secret.', {
      headers: { 'WWW-Authenticate': 'Basic realm="hasty"' },
    })
  }
  const scopes = scopesFor(client, scope)
  const caller = { subject: client.client_id, scopes, tenant: client.tenant }
  const token = await signToken(caller, { ...issuing, nowMs: clock.now() })
  log.info({ client_id: client.client_id, scopes, tenant: client.tenant }, 'token issued')
  return { access_token: token, token_type: 'Bearer', expires_in: issuing.ttlS, scope: scopes.join(' ') }
}

async function clientsIn(file: string): Promise<Client[]> {
  try {
    return await readClients(file)
  } catch (error) {
    throw unavailable('The clients that may have a token cannot be read.', error)
  }
}

function scopesFor(client: Client, asked: string | undefined): Scope[] {
  if (asked === undefined) return client.scopes
  const words = [...new Set(asked.split(' ').filter((word) => word !== ''))]
  const granted = words.filter(isScope).filter((word) => client.scopes.includes(word))
  if (words.length > 0 && granted.length === words.length) return granted
  throw new AppError('invalid-scope', `The client may have: ${client.scopes.join(' ')}.`)
}
