// Writes the client as a package of its own into dist/client: ES modules, types, no dependency. `npm run build:client`,
// with another folder as its argument where wanted.
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeClient } from './build-client/write-client.ts'

const root = join(import.meta.dirname, '..')
const target = resolve(process.argv[2] ?? join(root, 'dist/client'))

await writeClient(target)
await cp(join(root, 'docs/how-to/client.md'), join(target, 'README.md'))
await cp(join(root, 'LICENSE'), join(target, 'LICENSE'))
await writeFile(join(target, 'package.json'), `${JSON.stringify(await makeManifest(), null, 2)}\n`)
process.stdout.write(`${target}\n`)

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
