// The direction of dependencies. The table below is the architecture; a file that reaches elsewhere fails its own test.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** A layer is a folder; of several that fit, the longest is meant. Entries: packages, `node:*`, other layers. */
const mayImport: Record<string, string[]> = {
  // How values are read that server, client and command line must read alike.
  'shared/formats': [],
  'shared/contracts': ['zod', 'shared/formats'],
  'shared/runtime': [
    'node:*',
    'pino',
    'pino-pretty',
    'prom-client',
    'zod',
    'nanoid',
    'shared/contracts',
    'shared/formats',
  ],
  'shared/bus': ['node:*', '@nats-io/*', 'nanoid', 'zod', 'shared/contracts', 'shared/formats', 'shared/runtime'],
  'shared/store': ['shared/contracts', 'shared/runtime'],
  'shared/store/mongo': ['mongoose', 'shared/store', 'shared/contracts', 'shared/runtime'],
  'shared/store/sqlite': ['node:*', 'shared/store', 'shared/contracts', 'shared/runtime'],
  'shared/outbound': ['node:*', 'undici', 'ipaddr.js', 'shared/contracts', 'shared/formats', 'shared/runtime'],
  'shared/auth': ['node:*', 'jose', 'zod', 'shared/contracts', 'shared/formats', 'shared/runtime'],
  'shared/http': [
    'node:*',
    'koa',
    '@koa/router',
    '@koa/cors',
    'raw-body',
    'ipaddr.js',
    'rate-limiter-flexible',
    'zod',
    'shared/auth',
    'shared/contracts',
    'shared/formats',
    'shared/runtime',
  ],
  'shared/accept': [
    'node:*',
    'zod',
    'shared/bus',
    'shared/contracts',
    'shared/outbound',
    'shared/runtime',
    'shared/http',
  ],
  'shared/client': ['shared/contracts', 'shared/formats'],
  cli: ['node:*', 'commander', 'shared/client', 'shared/auth', 'shared/formats'],
  'services/api': ['node:*', 'koa', '@koa/router', 'zod-openapi', 'croner', 'zod', 'nanoid', 'shared/*'],
  'services/job': ['node:*', 'zod', 'nanoid', 'shared/*'],
  'services/workflow': ['node:*', '@koa/router', 'croner', 'zod', 'shared/*'],
  'services/ingest': ['node:*', 'zod', 'shared/*'],
  scripts: ['node:*', 'zod', 'shared/runtime', 'scripts/describe-events', 'scripts/build-client'],
  'scripts/build-client': ['zod', 'shared/contracts'],
  'scripts/describe-events': ['zod', 'shared/contracts'],
}
/** Entry files and what they share to wire: they alone may name a store’s adapters. */
const entryFiles = /^services\/\w+\/(main|setup|rebuild|open-store)\.ts$/
const adapters = ['shared/store/mongo', 'shared/store/sqlite']
const testFiles = /\.test\.ts$|\/conformance(\.ts|\/)/
const testTools = ['vitest', 'fast-check', 'nanoid', 'zod', 'node:*', 'scripts', 'e2e', ...adapters]

/** A package without dependencies: at run time it has nothing but its own files. */
test('the client takes nothing but types from the contracts, and the formats, which its package has', () => {
  for (const file of globSync('shared/client/*.ts', { cwd: root })) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    const outside = lines.filter((line) => /'(#shared|\.\.)\//.test(line) && !/^(import|export) type /.test(line))
    expect(outside.filter((line) => !line.includes("'../formats/"))).toEqual([])
  }
})

const specifiers = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)['"]([^'"]+)['"]/g

for (const file of globSync('{shared,services,cli,scripts}/**/*.ts', { cwd: root })) {
  test(`${file} imports only what its layer may`, () => {
    expect(forbiddenImports(file)).toEqual([])
  })
}

function forbiddenImports(file: string): string[] {
  const layer = layerOf(file)
  if (layer === undefined) return ['(this folder is in no layer of the table)']
  const allowed = [layer, ...(mayImport[layer] ?? [])]
  if (entryFiles.test(file)) allowed.push(...adapters)
  if (testFiles.test(file)) allowed.push(...testTools)
  const imported = [...readFileSync(join(root, file), 'utf8').matchAll(specifiers)].map(([, name = '']) => name)
  return imported.filter((name) => !allowed.some((entry) => covers(entry, targetOf(name, file))))
}

/** A layer for our own files (`#shared/...` and relative), the package's name for the others. */
function targetOf(specifier: string, from: string): string {
  const path = specifier.startsWith('#') ? specifier.slice(1) : posix.join(dirname(from), specifier)
  const isOurs = specifier.startsWith('#') || specifier.startsWith('.')
  return isOurs ? (layerOf(path) ?? (path.split('/')[0] || path)) : specifier
}

function layerOf(path: string): string | undefined {
  return Object.keys(mayImport)
    .filter((layer) => path.startsWith(`${layer}/`))
    .toSorted((a, b) => b.length - a.length)[0]
}

function covers(entry: string, target: string): boolean {
  // An adapter is never meant by `shared/*`.
  if (adapters.includes(target)) return entry === target
  return entry.endsWith('*') ? target.startsWith(entry.slice(0, -1)) : target === entry
}
