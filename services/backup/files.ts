import { createReadStream } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/**
 * The streams that hold data, in the order in which they are backed up: a tick that comes after its schedule was copied is
 * made again under the same id. PROBES holds none.
 */
export const STREAMS = ['SCHEDULES', 'JOBS', 'KEYS', 'DEFINITIONS', 'REQUESTS', 'MESSAGES', 'INGEST'] as const

// A backup is a folder: `streams/NAME.snapshot` as the broker wrote it, `stores/` with SQLite's files or a folder for
// each database of MongoDB, `messages/` with the files of messages, and, written last, `backup.json`.

export const snapshotFile = (dir: string, stream: string): string => join(dir, 'streams', `${stream}.snapshot`)
export const storesDir = (dir: string): string => join(dir, 'stores')
export const messagesDir = (dir: string): string => join(dir, 'messages')
export const manifestFile = (dir: string): string => join(dir, 'backup.json')

const manifestSchema = z.object({
  version: z.literal(1),
  created_at: z.string(),
  streams: z.record(z.string(), z.object({ config: z.looseObject({}), state: z.looseObject({}) })),
})
export type Manifest = z.infer<typeof manifestSchema>

/** @throws when the folder holds no whole backup that this version can read */
export async function readManifest(dir: string): Promise<Manifest> {
  const text = await readFile(manifestFile(dir), 'utf8').catch(() => null)
  if (text === null) throw new Error(`${dir} holds no whole backup: it has no backup.json, which is written last`)
  const parsed = manifestSchema.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error(`${manifestFile(dir)} was written by another version of Hasty`)
  return parsed.data
}

/** Writes a file with what `write` gives it, and has it on the disk when it resolves. */
export async function writeWhole<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'wx')
  try {
    const result = await write(file)
    await file.sync()
    return result
  } finally {
    await file.close()
  }
}

export const readChunks = (path: string): AsyncIterable<Uint8Array> =>
  createReadStream(path, { highWaterMark: 1024 * 1024 })
