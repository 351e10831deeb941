import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { z } from 'zod'
import { CLIENT_ID_PATTERN, SCOPES, TENANT_PATTERN } from '#shared/contracts/auth.ts'

const clientSchema = z.strictObject({
  client_id: z.string().regex(CLIENT_ID_PATTERN),
  /** Hex. One round is enough for a secret of 256 random bits, which nobody can guess; people choose none. */
  secret_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  tenant: z.string().regex(TENANT_PATTERN).nullable(),
  created_at: z.string(),
})
export type Client = z.infer<typeof clientSchema>

const fileSchema = z.strictObject({ clients: z.array(clientSchema) })

/** What cannot be done with the file, in words for the operator. */
export class ClientsFileError extends Error {
  override name = 'ClientsFileError'
}

/**
 * Adds a client with a secret made here, which is stored nowhere.
 * @returns the secret
 * @throws ClientsFileError
 */
export async function addClient(
  file: string,
  client: Pick<Client, 'client_id' | 'scopes' | 'tenant'>,
  createdAt: string,
): Promise<string> {
  const secret = `hsec_${randomBytes(32).toString('base64url')}`
  const added = clientSchema.safeParse({ ...client, secret_sha256: sha256(secret), created_at: createdAt })
  if (!added.success) throw new ClientsFileError(z.prettifyError(added.error))
  const clients = await readOrNone(file)
  if (clients.some(({ client_id }) => client_id === client.client_id))
    throw new ClientsFileError(`${file} has a client ${client.client_id} already; remove it first.`)
  await write(file, [...clients, added.data])
  return secret
}

/** @throws ClientsFileError */
export async function removeClient(file: string, clientId: string): Promise<void> {
  const clients = await readClients(file)
  const rest = clients.filter(({ client_id }) => client_id !== clientId)
  if (rest.length === clients.length) throw new ClientsFileError(`${file} has no client ${clientId}.`)
  await write(file, rest)
}

/** @throws ClientsFileError when the file is not there, or is none */
export async function readClients(file: string): Promise<Client[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ClientsFileError(`${file} cannot be read.`, { cause: error })
  }
  try {
    return fileSchema.parse(JSON.parse(text)).clients
  } catch (error) {
    throw new ClientsFileError(`${file} is no file of clients.`, { cause: error })
  }
}

/** The client with this id and secret; null where there is none. */
export function findClient(clients: Client[], clientId: string, secret: string): Client | null {
  const digest = Buffer.from(sha256(secret), 'hex')
  const client = clients.find(({ client_id }) => client_id === clientId)
  if (client === undefined) return null
  return timingSafeEqual(digest, Buffer.from(client.secret_sha256, 'hex')) ? client : null
}

async function readOrNone(file: string): Promise<Client[]> {
  try {
    return await readClients(file)
  } catch (error) {
    const { cause } = error as ClientsFileError
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return []
    throw error
  }
}

/** A running api reads either the old file or the new one. Who may read it stays as it is. */
async function write(file: string, clients: Client[]): Promise<void> {
  const next = `${file}.${process.pid}.tmp`
  try {
    const mode = await stat(file).then(
      (found) => found.mode & 0o777,
      () => OWNER_ALONE,
    )
    const handle = await open(next, 'wx', OWNER_ALONE)
    try {
      await handle.chmod(mode)
      await handle.writeFile(`${JSON.stringify({ clients }, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw new ClientsFileError(`${file} cannot be written.`, { cause: error })
  }
}

const OWNER_ALONE = 0o600

const sha256 = (text: string): string => hash('sha256', text, 'hex')
