import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, installIntoCache } from './cache.ts'
import { findOnPath, runCommand } from './run-command.ts'

const name = 'promtool'

/**
 * Prometheus' promtool, from PATH, from the cache, or taken out of Debian's package, of which nothing is installed.
 * @throws why there is none
 */
export async function findPromtool(): Promise<string> {
  const found = findOnPath(name)
  if (found !== undefined) return found
  const cached = join(cacheDir(), name)
  const isThere = await access(cached).then(
    () => true,
    () => false,
  )
  return isThere ? cached : installIntoCache(name, unpack)
}

async function unpack(scratch: string): Promise<string> {
  const download = () => runCommand('apt-get', ['-q', 'download', 'prometheus'], { cwd: scratch })
  await download().catch(async () => {
    await runCommand('apt-get', ['-q', 'update'])
    await download()
  })
  const file = (await readdir(scratch)).find((each) => each.endsWith('.deb'))
  if (file === undefined) throw new Error('apt-get downloaded no package')
  await runCommand('dpkg', ['-x', join(scratch, file), scratch])
  return join(scratch, 'usr/bin', name)
}
