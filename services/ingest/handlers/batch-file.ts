import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newShortId } from '#shared/ids/ids.ts'
import type { BatchContext, BatchMessage } from './handler.ts'

const NUMBER_LENGTH = 12

/** `batch-000000000012_worker-0-2_seq-41-57.ndjson`: in the order of their numbers when sorted by name. */
export const batchFileName = ({ batch, worker, fromSeq, toSeq }: BatchContext): string =>
  `batch-${String(batch).padStart(NUMBER_LENGTH, '0')}_worker-${worker}_seq-${fromSeq}-${toSeq}.ndjson`

/**
 * Hidden until it is whole, and nobody else's: an attempt that was left to itself may still be writing while the next
 * one does, also of the same number, where a replica lost the shard and has it again.
 */
export const temporaryName = (context: BatchContext, replicaId: string): string =>
  `.${batchFileName(context)}.${replicaId}.${newShortId()}`

export const isTemporary = (name: string): boolean => name.startsWith('.batch-')

export const batchLines = (messages: readonly BatchMessage[]): string =>
  messages
    .map(
      ({ seq, timestamp, value, tenant }) =>
        `${JSON.stringify({ seq, timestamp, value, ...(tenant === undefined ? {} : { tenant }) })}\n`,
    )
    .join('')

export interface FileToWrite {
  folder: string
  name: string
  temporary: string
  text: string
  /** Right before others can see the file. What it throws leaves nothing behind. */
  beforeShown: () => Promise<void>
}

/**
 * Writes a file that is never seen half written. One of the same name that says the same may be there already.
 * @throws what the disk says; an error where the file that is there says something else
 */
export async function writeWholeFile({ folder, name, temporary, text, beforeShown }: FileToWrite): Promise<void> {
  const path = join(folder, temporary)
  try {
    const handle = await open(path, 'w')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await beforeShown()
    await checkSame(join(folder, name), text)
    await rename(path, join(folder, name))
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined)
    throw error
  }
}

/** A broker that was made anew counts anew: what it named before is not to be lost. */
async function checkSame(path: string, text: string): Promise<void> {
  const there = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (there !== null && there !== text) throw new Error(`${path} is there already, with other messages: move it away`)
}
