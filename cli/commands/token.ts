import type { Command } from 'commander'
import { requestToken } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { UsageError } from '../explain-error.ts'
import { parseScopes, type Scopes } from '../scopes.ts'
import { readSecret, textOf } from '../settings.ts'

interface Flags {
  clientId?: string
  clientSecretFile?: string
  scope?: Scopes
  sign?: true
  secretFile?: string
  subject?: string
  tenant?: string
  ttl: number
  issuer?: string
  audience?: string
}

/** Options that are allowed only together with --sign. */
const signOnly = ['secretFile', 'subject', 'tenant'] as const

export function defineToken(command: Command, run: Run): void {
  command
    .option('--client-id <id>', 'client to fetch a token for (or HASTY_CLIENT_ID)')
    .option('--client-secret-file <file>', 'file with its secret (or HASTY_CLIENT_SECRET)')
    .option('--scope <scopes>', 'jobs:read, jobs:write, work or admin; separate several with commas', parseScopes)
    .option('--sign', "sign the token locally with the server's secret")
    .option('--secret-file <file>', "file with the server's secret (or JWT_SECRET, JWT_SECRET_FILE)")
    .option('--subject <name>', 'subject of the signed token')
    .option('--tenant <tenant>', 'tenant to bind the signed token to')
    .addOption(durationOption('--ttl <duration>', 'lifetime of the signed token', '15m'))
    .option('--issuer <name>', "the server's JWT_ISSUER (or JWT_ISSUER; default hasty)")
    .option('--audience <name>', "the server's JWT_AUDIENCE (or JWT_AUDIENCE; default hasty)")
    .addHelpText(
      'after',
      '\nExamples:\n  HASTY_TOKEN=$(hasty token --client-id billing --client-secret-file secret)' +
        '\n  hasty token --sign --secret-file jwt_secret --subject me --scope jobs:read',
    )
    .action(run((context, flags: Flags) => (flags.sign ? sign(context, flags) : fetchToken(context, flags))))
}

async function fetchToken({ server, env, out, signal }: CommandContext, flags: Flags): Promise<void> {
  if (signOnly.some((name) => flags[name] !== undefined)) {
    throw new UsageError('--secret-file, --subject and --tenant need --sign; add it, or leave them out.')
  }
  const clientId = flags.clientId ?? textOf(env['HASTY_CLIENT_ID'])
  const { clientSecretFile: file } = flags
  const clientSecret =
    file === undefined ? textOf(env['HASTY_CLIENT_SECRET']) : readSecret(file, '--client-secret-file')
  if (clientId === undefined || clientSecret === undefined) {
    const what = 'Give HASTY_CLIENT_ID and HASTY_CLIENT_SECRET (or --client-id and --client-secret-file)'
    throw new UsageError(`${what}, or sign a token locally with --sign.`)
  }
  const token = await requestToken({ ...server, clientId, clientSecret, scope: flags.scope?.join(' ') }, { signal })
  if (out.json) out.record(token)
  else out.line(token.access_token)
}

async function sign({ env, out }: CommandContext, flags: Flags): Promise<void> {
  const { subject, scope, tenant = null, ttl: ttlMs } = flags
  if (subject === undefined || scope === undefined) {
    throw new UsageError('Give a subject and scopes, such as --subject me --scope jobs:read,jobs:write.')
  }
  const ttlS = Math.floor(ttlMs / 1000)
  if (ttlS < 1) throw new UsageError('A token must live for at least one second; give a longer --ttl.')
  // Loaded only when it is needed, because that takes a while.
  const { SECRET_MIN_BYTES, signToken } = await import('#shared/auth/sign-token.ts')
  const token = await signToken(
    { subject, scopes: scope, tenant },
    {
      secret: serverSecret(env, flags, SECRET_MIN_BYTES),
      // The server's own settings are used where they are at hand.
      issuer: flags.issuer ?? textOf(env['JWT_ISSUER']) ?? 'hasty',
      audience: flags.audience ?? textOf(env['JWT_AUDIENCE']) ?? 'hasty',
      tenantClaim: textOf(env['JWT_TENANT_CLAIM']) ?? 'tenant',
      ttlS,
      nowMs: new Date().getTime(),
    },
  )
  if (out.json) out.record({ access_token: token, token_type: 'Bearer', expires_in: ttlS, scope: scope.join(' ') })
  else out.line(token)
}

/** @throws UsageError */
function serverSecret(env: CommandContext['env'], { secretFile }: Flags, minBytes: number): string {
  const file = secretFile ?? textOf(env['JWT_SECRET_FILE'])
  const secret =
    file === undefined
      ? textOf(env['JWT_SECRET'])
      : readSecret(file, secretFile === undefined ? 'JWT_SECRET_FILE' : '--secret-file')
  if (secret === undefined) throw new UsageError("Give the server's secret with --secret-file or JWT_SECRET.")
  if (Buffer.byteLength(secret) < minBytes) {
    throw new UsageError(
      `The server's secret must have at least ${minBytes} bytes; create one with: openssl rand -hex 32`,
    )
  }
  return secret
}
