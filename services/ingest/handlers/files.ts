import { access, constants, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { batchFileName, batchLines, isTemporary, temporaryName, writeWholeFile } from './batch-file.ts'
import { FolderSync, syncFolder } from './folder-sync.ts'
import type { BatchHandler } from './handler.ts'

/** Longer than the longest pause between two attempts. */
const PROBLEM_SHOWN_MS = 60_000

/**
 * Writes each batch to a file of its own in a folder for each shard. A batch is the same at every attempt and in every
 * replica, and so is its file: writing it again changes nothing. A disk error is no message's fault, so the batch is
 * tried forever.
 */
export function filesHandler(dir: string, replicaId: string): BatchHandler {
  const folders = new Map<number, Promise<FolderSync>>()
  /** Temporary files of this process, until they are renamed or removed. */
  const writing = new Set<string>()
  let problem: { error: unknown; atMs: number } | null = null

  const folderOf = (shard: number): string => join(dir, `shard-${shard}`)

  /** Creates the folder once, and again if somebody removed it. */
  function prepareFolder(shard: number): Promise<FolderSync> {
    const known = folders.get(shard)
    if (known !== undefined) return known
    const making = makeFolder(dir, folderOf(shard))
    folders.set(shard, making)
    making.catch(() => folders.delete(shard))
    return making
  }

  return {
    triesForEver: true,

    async prepare(shard) {
      await prepareFolder(shard)
      const names = await readdir(folderOf(shard))
      // Files of replicas that are gone, or that have lost the shard.
      const left = names.filter((name) => isTemporary(name) && !writing.has(name))
      await Promise.all(left.map((name) => rm(join(folderOf(shard), name), { force: true })))
    },

    async run(messages, context) {
      const temporary = temporaryName(context, replicaId)
      writing.add(temporary)
      try {
        const folder = await prepareFolder(context.shard)
        await writeWholeFile({
          folder: folderOf(context.shard),
          name: batchFileName(context),
          temporary,
          text: batchLines(messages),
          beforeShown: async () => {
            await context.confirmOwned()
            context.signal.throwIfAborted()
          },
        })
        await folder.sync()
        problem = null
      } catch (error) {
        folders.delete(context.shard)
        if (!context.signal.aborted) problem = { error, atMs: performance.now() }
        throw error
      } finally {
        writing.delete(temporary)
      }
    },

    async check() {
      // An older error concerns a shard that went to another replica, or it would have come again.
      if (problem !== null && performance.now() - problem.atMs < PROBLEM_SHOWN_MS) throw problem.error
      await mkdir(dir, { recursive: true })
      await access(dir, constants.W_OK)
    },
  }
}

async function makeFolder(dir: string, folder: string): Promise<FolderSync> {
  await mkdir(folder, { recursive: true })
  await syncFolder(dir)
  return new FolderSync(folder)
}
