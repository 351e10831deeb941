// Writes the package `hasty` into dist/hasty: the command line, the client and the types of handlers, as JavaScript,
// because Node runs no TypeScript in `node_modules`. `npm run build:package`, with another folder as its argument where
// wanted; `npm pack ./dist/hasty` makes one file of it.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { writeClient } from './build-client/write-client.ts'
import { stripModules } from './build-package/strip-modules.ts'

const root = join(import.meta.dirname, '..')
const target = resolve(process.argv[2] ?? join(root, 'dist/hasty'))

await rm(target, { recursive: true, force: true })
await writeClient(join(target, 'client'))
const { files, packages } = await stripModules(root, 'cli/main.ts', 'client/')
for (const [path, code] of files) await write(path, code)
await write('cli/bin.js', "#!/usr/bin/env node\nimport './main.js'\n", 0o755)
// Types alone, which are their own declarations.
await write('handler.d.ts', await readFile(join(root, 'services/job/handlers/handler-types.ts'), 'utf8'))
await write('handler.js', 'export {}\n')
await cp(join(root, 'scripts/build-package/README.md'), join(target, 'README.md'))
await cp(join(root, 'LICENSE'), join(target, 'LICENSE'))
await write('package.json', `${JSON.stringify(await makeManifest(), null, 2)}\n`)
process.stdout.write(`${target}\n`)

async function write(path: string, text: string, mode = 0o644): Promise<void> {
  const file = join(target, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text, { mode })
}

interface Manifest {
  version: string
  license: string
  dependencies: Record<string, string>
}

async function makeManifest() {
  const ours = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
  return {
    name: 'hasty',
    version: ours.version,
    description: 'The command line, the client and the types of handlers of Hasty, a job service over plain HTTP.',
    license: ours.license,
    type: 'module',
    sideEffects: false,
    // The parser of the command line wants it. The client runs on Node 20 as well.
    engines: { node: '>=22.12' },
    bin: { hasty: 'cli/bin.js' },
    imports: { '#shared/*': './shared/*' },
    // For resolvers that know no `exports`.
    main: './client/index.js',
    types: './client/index.d.ts',
    exports: {
      '.': { types: './client/index.d.ts', default: './client/index.js' },
      './handler': { types: './handler.d.ts', default: './handler.js' },
      './package.json': './package.json',
    },
    files: ['handler.js', 'handler.d.ts', 'cli', 'client', 'shared'],
    dependencies: Object.fromEntries([...packages].toSorted().map((name) => [name, ours.dependencies[name]])),
  }
}
