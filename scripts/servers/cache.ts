import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Outside the repository, so that a fresh clone (and every CI run) finds what an earlier one fetched. */
export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hasty')
}

/**
 * Puts an executable into the cache under this name. `produce` makes it in a scratch folder and returns its path; the
 * rename is atomic, so two processes that race both end with a complete file.
 */
export async function installIntoCache(name: string, produce: (scratch: string) => Promise<string>): Promise<string> {
  const dir = cacheDir()
  await mkdir(dir, { recursive: true })
  const scratch = await mkdtemp(join(dir, 'tmp-'))
  try {
    const made = await produce(scratch)
    await chmod(made, 0o755)
    const path = join(dir, name)
    await rename(made, path)
    return path
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
