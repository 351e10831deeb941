// Writes the client as a package of its own into dist/client: ES modules, types, no dependency. `npm run build:client`,
// with another folder as its argument where wanted.
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { contractTypes } from './build-client/contract-types.ts'

const root = join(import.meta.dirname, '..')
const target = resolve(process.argv[2] ?? join(root, 'dist/client'))

await using scratch = await makeScratch()
compile(scratch.dir)
await rm(target, { recursive: true, force: true })
await mkdir(target, { recursive: true })
// The contracts compiled by tsc stay behind: the client only needs their types, which are written here.
await cp(join(scratch.dir, 'client'), target, { recursive: true })
await takeFormats(target)
await writeFile(join(target, 'contracts.d.ts'), contractTypes())
await cp(join(root, 'docs/how-to/client.md'), join(target, 'README.md'))
await cp(join(root, 'LICENSE'), join(target, 'LICENSE'))
await writeFile(join(target, 'package.json'), `${JSON.stringify(await makeManifest(), null, 2)}\n`)
process.stdout.write(`${target}\n`)

/**
 * Copies the readers of formats that client and server share: they lie beside the client in the repository, and in a
 * folder of the package.
 */
async function takeFormats(folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), 'utf8')
    const own = text.replaceAll("'../shared/formats/", "'./formats/")
    if (own !== text) await writeFile(join(folder, file), own)
  }
  await cp(join(scratch.dir, 'shared/formats'), join(folder, 'formats'), { recursive: true })
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

async function makeManifest() {
  const { version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, string>
  return {
    name: 'hasty-client',
    version,
    description: "Client of Hasty's HTTP interface, for Node 20 and browsers.",
    license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20' },
    exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
    files: ['*.js', '*.d.ts', 'formats/*.js', 'formats/*.d.ts'],
  }
}
