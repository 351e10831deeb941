import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { z } from 'zod'
import { NAME_PATTERN } from '#shared/contracts/http/names.ts'
import { CLIENT_ID_PATTERN, SCOPES } from '#shared/contracts/http/tokens.ts'
import { TYPE_PATTERN } from '#shared/contracts/log/subjects.ts'
import { withoutMark } from '#shared/formats/plain-text.ts'

const clientSchema = z.strictObject({
  client_id: z.string().regex(CLIENT_ID_PATTERN),
  /**
   * Hex. One round of hashing is enough for a secret of 256 random bits, which nobody can guess; people do not choose
   * secrets here.
   */
  secret_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  tenant: z.string().regex(NAME_PATTERN).nullable(),
  /** The only job types that it may run as a worker; absent: all. */
  types: z.array(z.string().regex(TYPE_PATTERN)).min(1).optional(),
  created_at: z.string(),
})
export type Client = z.infer<typeof clientSchema>

const fileSchema = z.strictObject({ clients: z.array(clientSchema) })

/** An operation on the file that failed, in words for the operator. */
export class ClientsFileError extends Error {
  override name = 'ClientsFileError'
}

/**
 * Adds a client with a new secret, which is stored nowhere.
 * @returns the secret
 * @throws ClientsFileError
 */
export async function addClient(
  file: string,
  client: Pick<Client, 'client_id' | 'scopes' | 'tenant' | 'types'>,
  createdAt: string,
): Promise<string> {
  const secret = `hsec_${randomBytes(32).toString('base64url')}`
  const added = clientSchema.safeParse({ ...client, secret_sha256: sha256(secret), created_at: createdAt })
  if (!added.success) throw new ClientsFileError(z.prettifyError(added.error))
  await change(file, (clients) => {
    if (clients.some(({ client_id }) => client_id === client.client_id))
      throw new ClientsFileError(`${file} already has a client ${client.client_id}; remove it first.`)
    return [...clients, added.data]
  })
  return secret
}

/** @throws ClientsFileError */
export function removeClient(file: string, clientId: string): Promise<void> {
  return change(file, (clients) => {
    const rest = clients.filter(({ client_id }) => client_id !== clientId)
    if (rest.length === clients.length) throw new ClientsFileError(`${file} has no client ${clientId}.`)
    return rest
  })
}

/** @throws ClientsFileError when the file is missing or is no clients file */
export async function readClients(file: string): Promise<Client[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ClientsFileError(`${file} cannot be read.`, { cause: error })
  }
  try {
    return fileSchema.parse(JSON.parse(withoutMark(text))).clients
  } catch (error) {
    throw new ClientsFileError(`${file} is not a clients file.`, { cause: error })
  }
}

/**
 * Reads the file only when it has changed: the caller has not proved anything yet, so a lookup must cost little.
 * @returns a function that throws ClientsFileError
 */
export function clientsReader(file: string): () => Promise<Client[]> {
  let known: { version: string; clients: Client[] } | null = null
  return async () => {
    const version = await versionOf(file)
    if (known?.version !== version) known = { version, clients: await readClients(file) }
    return known.clients
  }
}

/** The client with this id and secret; null where there is none. */
export function findClient(clients: Client[], clientId: string, secret: string): Client | null {
  const digest = Buffer.from(sha256(secret), 'hex')
  const client = clients.find(({ client_id }) => client_id === clientId)
  if (client === undefined) return null
  return timingSafeEqual(digest, Buffer.from(client.secret_sha256, 'hex')) ? client : null
}

const OWNER_ALONE = 0o600

/**
 * Replaces the file, so that a running api reads either the old one or the new one. The new file is also the lock: of
 * two who change the file at once, one gets an error. Owner and mode of the file stay the same.
 */
async function change(file: string, next: (clients: Client[]) => Client[]): Promise<void> {
  const draft = `${file}.tmp`
  const handle = await openDraft(file, draft)
  try {
    try {
      const [clients, mode] = [await readOrNone(file), await modeOf(file)]
      await handle.writeFile(`${JSON.stringify({ clients: next(clients) }, null, 2)}\n`)
      await handle.chmod(mode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error instanceof ClientsFileError
      ? error
      : new ClientsFileError(`${file} cannot be written.`, { cause: error })
  }
}

async function openDraft(file: string, draft: string): Promise<FileHandle> {
  try {
    return await open(draft, 'wx', OWNER_ALONE)
  } catch (error) {
    const isLocked = codeOf(error) === 'EEXIST'
    const sentence = isLocked
      ? `${file} is being changed by another process; try again, or remove ${draft} if there is none.`
      : `${file} cannot be written.`
    throw new ClientsFileError(sentence, { cause: error })
  }
}

async function readOrNone(file: string): Promise<Client[]> {
  try {
    return await readClients(file)
  } catch (error) {
    if (error instanceof ClientsFileError && codeOf(error.cause) === 'ENOENT') return []
    throw error
  }
}

const modeOf = async (file: string): Promise<number> =>
  stat(file).then(
    ({ mode }) => mode & 0o777,
    () => OWNER_ALONE,
  )

async function versionOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    throw new ClientsFileError(`${file} cannot be read.`, { cause: error })
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

const sha256 = (text: string): string => hash('sha256', text, 'hex')
