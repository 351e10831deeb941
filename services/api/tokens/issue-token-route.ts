import { parse } from 'node:querystring'
import { authOperations } from '#shared/contracts/http/operations/auth.ts'
import { type TokenBody, tokenBodySchema } from '#shared/contracts/http/tokens.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { invalidBody, readBytes } from '#shared/http/read-body.ts'
import { parseStrictJson } from '#shared/http/strict-json.ts'
import { type IssueTokenDeps, invalidClient, issueToken } from './issue-token.ts'

const FORM = 'application/x-www-form-urlencoded'
const BODY_MAX_BYTES = 4_096

/** The client credentials grant of OAuth 2 (RFC 6749, 4.4). */
export function issueTokenRoutes(router: GuardedRouter, deps: IssueTokenDeps): void {
  router.serve(authOperations.issueToken, async (ctx) => {
    const body = await readTokenBody(ctx)
    const token = await issueToken(deps, { ...credentialsOf(ctx, body), scope: body.scope })
    ctx.set('Cache-Control', 'no-store')
    ctx.body = token
  })
}

async function readTokenBody(ctx: AppContext): Promise<TokenBody> {
  const { raw, mediaType } = await readBytes(ctx, [FORM, 'application/json'], BODY_MAX_BYTES)
  const parsed = tokenBodySchema.safeParse(mediaType === FORM ? { ...parse(raw.toString()) } : parseStrictJson(raw))
  if (parsed.success) return parsed.data
  throw invalidBody(parsed.error)
}

/** HTTP Basic, whose two parts are form-encoded (RFC 6749, 2.3.1), or two members of the body. */
function credentialsOf(ctx: AppContext, body: TokenBody): { clientId: string; secret: string } {
  const header = ctx.get('authorization')
  const { client_id: clientId, client_secret: secret } = body
  if (header === '') {
    if (clientId === undefined || secret === undefined) throw noCredentials()
    return { clientId, secret }
  }
  const basic = basicOf(header)
  if (secret !== undefined || (clientId ?? basic.clientId) !== basic.clientId)
    throw new AppError(
      'invalid-request',
      'Send the client credentials either in Authorization or in the body, not in both.',
    )
  return basic
}

function basicOf(header: string): { clientId: string; secret: string } {
  const encoded = /^Basic +(?<encoded>[A-Za-z0-9+/]+={0,2})$/i.exec(header)?.groups?.['encoded']
  const [, id, secret] = /^(.*?):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? []
  if (id === undefined || secret === undefined) throw noCredentials()
  try {
    return { clientId: formDecode(id), secret: formDecode(secret) }
  } catch {
    throw noCredentials()
  }
}

const formDecode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))

const noCredentials = (): AppError => invalidClient('Send client_id and client_secret with HTTP Basic or in the body.')
