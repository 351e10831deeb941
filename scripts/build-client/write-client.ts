import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractTypes } from './contract-types.ts'

const root = join(import.meta.dirname, '../..')

/** Writes the client's modules and their types into a folder, which loses what it had. */
export async function writeClient(folder: string): Promise<void> {
  await using scratch = await makeScratch()
  compile(scratch.dir)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  // The contracts compiled by tsc stay behind: the client only needs their types, which are written here.
  await cp(join(scratch.dir, 'client'), folder, { recursive: true })
  await takeFormats(scratch.dir, folder)
  await writeFile(join(folder, 'contracts.d.ts'), contractTypes())
}

/**
 * Copies the readers of formats that client and server share: they lie beside the client in the repository, and in a
 * folder of the package.
 */
async function takeFormats(compiled: string, folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), 'utf8')
    const own = text.replaceAll("'../shared/formats/", "'./formats/")
    if (own !== text) await writeFile(join(folder, file), own)
  }
  await cp(join(compiled, 'shared/formats'), join(folder, 'formats'), { recursive: true })
}

async function makeScratch() {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-client-'))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

function compile(outDir: string): void {
  const { status } = spawnSync(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.client.json', '--outDir', outDir],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
  if (status !== 0) process.exit(1)
}
