import type { Command } from 'commander'
import type { CommandContext, Run } from '../command-context.ts'
import { UsageError } from '../explain-error.ts'
import { parseList } from '../parse.ts'
import { parseScopes, type Scopes } from '../scopes.ts'
import { formatTable } from '../table.ts'

interface FileFlag {
  file: string
}

interface ClientFlags extends FileFlag {
  scope: Scopes
  tenant?: string
  types?: string[]
}

/** Commands about the file of clients that the api has as CLIENTS_FILE. They need no server. */
export function defineAdmin(admin: Command, run: Run): void {
  const add = (name: string, what: string) =>
    admin.command(name).description(what).requiredOption('--file <file>', 'path of the clients file')

  add('add-client', 'add a client and print its secret once')
    .argument('<id>', 'client id')
    .requiredOption(
      '--scope <scopes>',
      'jobs:read, jobs:write, work or admin; separate several with commas',
      parseScopes,
    )
    .option('--tenant <tenant>', 'tenant to bind its tokens to')
    .option(
      '--types <types>',
      'the only job types that it may run as a worker; separate several with commas',
      parseList,
    )
    .addHelpText(
      'after',
      '\nExample:\n  hasty admin add-client billing --file clients.json --scope jobs:read,jobs:write',
    )
    .action(run(addClient))

  add('list-clients', 'list clients').action(run(listClients))

  add('remove-client', 'remove a client; tokens that it already has stay valid until they expire')
    .argument('<id>', 'client id')
    .action(run(removeClient))
}

// Loaded only when it is needed, because that takes a while.
const loadClientsFile = () => import('#shared/auth/clients-file.ts')

async function addClient(
  { out }: CommandContext,
  id: string,
  { file, scope, tenant, types }: ClientFlags,
): Promise<void> {
  const clients = await loadClientsFile()
  const client = { client_id: id, scopes: scope, tenant: tenant ?? null, ...(types === undefined ? {} : { types }) }
  const secret = await clients.addClient(file, client, new Date().toISOString()).catch(toUsageError)
  if (out.json) {
    out.record({ ...client, client_secret: secret })
    return
  }
  out.line(`HASTY_CLIENT_ID=${id}`)
  out.line(`HASTY_CLIENT_SECRET=${secret}`)
  out.note('Save the secret now: the file keeps only its hash.')
}

async function listClients({ out }: CommandContext, { file }: FileFlag): Promise<void> {
  const clients = await loadClientsFile()
  const list = await clients.readClients(file).catch(toUsageError)
  if (out.json) {
    for (const { secret_sha256: _, ...client } of list) out.record(client)
    return
  }
  const rows = list.map((one) => [one.client_id, one.scopes.join(','), one.tenant ?? '', one.created_at])
  for (const line of formatTable(['ID', 'SCOPES', 'TENANT', 'CREATED'], rows, out.columns)) out.line(line)
}

async function removeClient({ out }: CommandContext, id: string, { file }: FileFlag): Promise<void> {
  const clients = await loadClientsFile()
  await clients.removeClient(file, id).catch(toUsageError)
  if (out.json) out.record({ client_id: id, removed: true })
  else out.line(`removed ${id}`)
}

/** The file's errors are sentences for the operator; one with a cause is about the file itself. */
function toUsageError(error: unknown): never {
  if (!(error instanceof Error)) throw error
  const next = error.cause === undefined ? '' : ' Check --file.'
  throw new UsageError(`${error.message.replaceAll(/\s*\n\s*/g, ' ')}${next}`, { cause: error })
}
