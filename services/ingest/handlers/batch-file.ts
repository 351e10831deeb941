import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newShortId } from '#shared/ids/ids.ts'
import type { BatchContext, BatchMessage } from './handler.ts'

const NUMBER_LENGTH = 12

/** `batch-000000000012_worker-0-2_seq-41-57.ndjson`: sorting by name gives the order of the numbers. */
export const batchFileName = ({ batch, worker, fromSeq, toSeq }: BatchContext): string =>
  `batch-${String(batch).padStart(NUMBER_LENGTH, '0')}_worker-${worker}_seq-${fromSeq}-${toSeq}.ndjson`

/**
 * The name of the file until it is complete: hidden, and unique. An abandoned attempt may still be writing while the
 * next one does, even with the same number, where a replica lost the shard and owns it again.
 */
export const temporaryName = (context: BatchContext, replicaId: string): string =>
  `.${batchFileName(context)}.${replicaId}.${newShortId()}`

export const isTemporary = (name: string): boolean => name.startsWith('.batch-')

export const batchLines = (messages: readonly BatchMessage[]): string =>
  messages
    .map(({ seq, timestamp, value, key, tenant }) => `${JSON.stringify({ seq, timestamp, value, key, tenant })}\n`)
    .join('')

export interface FileToWrite {
  folder: string
  name: string
  temporary: string
  text: string
  /** Called right before others can see the file. If it throws, nothing is left behind. */
  beforeShown: () => Promise<void>
}

/**
 * Writes a file that is never seen half written. A file of the same name with the same content may exist already.
 * @throws the disk's error; an error where the existing file has other content
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

/** Refuses to replace other content: a new broker begins new sequences, and files from before must not be lost. */
async function checkSame(path: string, text: string): Promise<void> {
  const there = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (there !== null && there !== text) throw new Error(`${path} exists already with other messages: move it away`)
}
