import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SmallDisk extends AsyncDisposable {
  readonly dir: string
  /** @param size in the syntax of mount: `8m` */
  grow(size: string): Promise<void>
  /** Works only while nobody has one of its files open for writing. */
  allowWrites(isAllowed: boolean): Promise<void>
  /** Fills the rest of the disk with a file; again, what others have freed since. */
  fill(): Promise<void>
  /** Deletes that file. */
  empty(): Promise<void>
}

async function takeRest(path: string): Promise<void> {
  const file = await open(path, 'a')
  const some = Buffer.alloc(64 * 1024)
  try {
    for (;;) await file.write(some)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}

/** A private file system of a few kilobytes. @returns why there is none, where this user may not mount one */
export async function mountSmallDisk(size: string): Promise<SmallDisk | string> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-disk-'))
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir])
  } catch (error) {
    await remove()
    return `no small disk can be mounted: ${error instanceof Error ? error.message.trim() : String(error)}`
  }
  const rest = join(dir, 'rest')
  return {
    dir,
    grow: async (larger) => void (await run('mount', ['-o', `remount,size=${larger}`, dir])),
    allowWrites: async (isAllowed) => void (await run('mount', ['-o', `remount,${isAllowed ? 'rw' : 'ro'}`, dir])),
    fill: () => takeRest(rest),
    empty: () => rm(rest),
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['--lazy', dir])
      await remove()
    },
  }
}
