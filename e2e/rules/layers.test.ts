// The direction of dependencies. The table below is the architecture; a file that reaches elsewhere fails its own test.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Folders that every layer above may import. */
const ground = ['shared/contracts', 'shared/errors', 'shared/formats', 'shared/ids', 'shared/process', 'shared/time']

/**
 * The layers. A layer is a folder, or the files whose names begin alike (`stores/attempts/sqlite-attempts.ts`); among
 * several that match, the longest counts. Entries: packages, `node:*`, other layers with everything in them.
 */
const mayImport: Record<string, string[]> = {
  // Formats that server, client and command line must read alike.
  'shared/formats': [],
  // The content of the broker, and its pure rules.
  'shared/contracts/log': ['zod', 'shared/formats', 'shared/contracts/http'],
  // The part that callers see.
  'shared/contracts/http': ['zod', 'shared/formats', 'shared/contracts/log'],
  'shared/time': ['node:*', 'shared/contracts', 'shared/formats'],
  'shared/ids': ['node:*', 'nanoid', 'shared/contracts'],
  'shared/errors': ['node:*', 'zod', 'shared/contracts', 'shared/formats'],
  // The parts that every process has.
  'shared/process': [
    'node:*',
    'pino',
    'pino-pretty',
    'prom-client',
    'zod',
    'shared/contracts',
    'shared/errors',
    'shared/formats',
    'shared/ids',
    'shared/time',
  ],
  // Spans, and the SDK that sends them.
  'shared/trace': ['@opentelemetry/*', 'shared/process', 'shared/time'],
  'shared/bus': ['node:*', '@nats-io/*', 'nanoid', 'zod', ...ground],
  // The life of a service, and the base with which each begins.
  'shared/service': ['node:*', 'prom-client', 'shared/bus', 'shared/trace', ...ground],
  'shared/stores': ['node:path', 'shared/contracts', 'shared/formats', 'shared/time'],
  // The parts that the adapters of all stores share, then the adapters.
  'shared/stores/sqlite': ['node:*', 'shared/stores'],
  'shared/stores/mongo': ['mongoose', 'shared/ids', 'shared/stores'],
  'shared/stores/jobs/sqlite': ['node:*', 'shared/stores', 'shared/stores/sqlite', 'shared/contracts'],
  'shared/stores/jobs/mongo': ['mongoose', 'shared/stores', 'shared/stores/mongo', 'shared/contracts'],
  'shared/stores/attempts/sqlite': ['node:*', 'shared/stores', 'shared/stores/sqlite', 'shared/contracts'],
  'shared/stores/attempts/mongo': ['mongoose', 'shared/stores', 'shared/stores/mongo', 'shared/contracts'],
  'shared/stores/requests/sqlite': ['node:*', 'shared/stores', 'shared/stores/sqlite', 'shared/contracts'],
  'shared/stores/requests/mongo': ['mongoose', 'shared/stores', 'shared/stores/mongo', 'shared/contracts'],
  'shared/outbound': ['node:*', 'undici', 'ipaddr.js', ...ground],
  'shared/auth': ['node:*', 'jose', 'zod', ...ground],
  'shared/http': [
    'node:*',
    'koa',
    '@koa/router',
    '@koa/cors',
    'ipaddr.js',
    'rate-limiter-flexible',
    'zod',
    'shared/auth',
    'shared/service',
    'shared/trace',
    ...ground,
  ],
  'shared/accept': [
    'node:*',
    'zod',
    'ajv',
    'ajv-formats',
    'shared/bus',
    'shared/outbound',
    'shared/http',
    'shared/trace',
    ...ground,
  ],
  // How old the store is, and what it knows better than the lanes.
  'shared/read-store': ['shared/bus', 'shared/stores', ...ground],
  // The parts of schedules that api and keeper share.
  'shared/schedules': ['croner', 'shared/bus', ...ground],
  client: ['shared/contracts', 'shared/formats'],
  // The dashboard: what runs in the browser, with the client; of the contracts it takes the types alone.
  ui: ['preact', 'preact/*', '@preact/*', 'htm', 'uplot', 'client', 'shared/contracts', 'shared/formats'],
  cli: ['node:*', 'commander', 'client', 'shared/auth', 'shared/formats'],
  'services/api': ['node:*', 'koa', 'zod-openapi', 'croner', 'zod', 'nanoid', 'shared/*'],
  'services/keeper': ['node:*', 'zod', 'shared/*'],
  'services/job': ['node:*', 'zod', 'nanoid', 'shared/*'],
  'services/workflow': ['node:*', 'croner', 'zod', 'shared/*'],
  'services/ingest': ['node:*', 'zod', 'shared/*'],
  // Commands that copy everything that the services keep, and bring it back.
  'services/backup': ['node:*', 'zod', 'mongoose', 'shared/*'],
  scripts: [
    'node:*',
    'zod',
    ...ground,
    'scripts/describe-events',
    'scripts/describe-settings',
    'scripts/build-client',
    'scripts/build-package',
  ],
  'scripts/build-client': ['node:*', 'zod', 'shared/contracts'],
  'scripts/build-package': ['node:*'],
  'scripts/describe-events': ['zod', 'shared/contracts'],
  // The only script that looks into every service: for the settings that each declares.
  'scripts/describe-settings': ['zod', 'shared/http', 'services/*', 'scripts', ...ground],
}
/** The only files that may name the adapters of a store. */
const openStoreFiles = /^services\/\w+\/open-store\.ts$|^services\/backup\/databases\.ts$|\/open-job-store\.ts$/
const adapters = Object.keys(mayImport).filter((layer) => /^shared\/stores\/.*\b(sqlite|mongo)$/.test(layer))
const testFiles = /\.test\.ts$|\/conformance(\.ts|\/)/
const testTools = ['vitest', 'fast-check', 'nanoid', 'zod', 'yaml', 'node:*', 'scripts', 'e2e', ...adapters]

/** The client is a package without dependencies: at run time it has only its own files. */
test('the client takes nothing but types from the contracts, and the formats, which its package has', () => {
  const files = globSync('client/*.ts', { cwd: root })
  expect(files).not.toEqual([])
  for (const file of files) {
    const taken = [
      ...readFileSync(join(root, file), 'utf8').matchAll(/^(?:import|export)( type)? [^']*from '([^']+)'/gm),
    ]
    const values = taken.filter(([, isType]) => isType === undefined).map(([, , from]) => from)
    expect(values.filter((from) => !/^(\.|\.\.\/shared\/formats)\/[\w-]+\.ts$/.test(from ?? ''))).toEqual([])
  }
})

/** Only shared/bus knows the protocol of the broker. */
test('nobody outside of shared/bus sees the connection to the broker or one of its headers', () => {
  const files = globSync('{shared,services,cli,scripts}/**/*.ts', { cwd: root })
  const outside = files.filter((file) => !file.startsWith('shared/bus/') && !testFiles.test(file))
  const speaks = /\.nc\b|\bNatsConnection\b|'Nats-[A-Z]|\$JS\./
  expect(outside.filter((file) => speaks.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})

const specifiers = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)['"]([^'"]+)['"]/g

for (const file of globSync('{shared,client,services,cli,scripts,ui}/**/*.ts', { cwd: root })) {
  test(`${file} imports only what its layer may`, () => {
    expect(forbiddenImports(file)).toEqual([])
  })
}

function forbiddenImports(file: string): string[] {
  const layer = layerOf(file)
  if (layer === undefined) return ['(this folder is in no layer of the table)']
  const allowed = [layer, ...(mayImport[layer] ?? [])]
  if (openStoreFiles.test(file)) allowed.push(...adapters)
  if (testFiles.test(file)) allowed.push(...testTools)
  const imported = [...readFileSync(join(root, file), 'utf8').matchAll(specifiers)].map(([, name = '']) => name)
  return imported.filter((name) => !allowed.some((entry) => covers(entry, targetOf(name, file))))
}

/** A layer for a file of the repository (`#shared/...` and relative), the package's name for others. */
function targetOf(specifier: string, from: string): string {
  const path = specifier.startsWith('#') ? specifier.slice(1) : posix.join(dirname(from), specifier)
  const isOurs = specifier.startsWith('#') || specifier.startsWith('.')
  return isOurs ? (layerOf(path) ?? (path.split('/')[0] || path)) : specifier
}

function layerOf(path: string): string | undefined {
  return Object.keys(mayImport)
    .filter((layer) => path.startsWith(`${layer}/`) || path.startsWith(`${layer}-`))
    .toSorted((a, b) => b.length - a.length)[0]
}

function covers(entry: string, target: string): boolean {
  // A folder never stands for an adapter inside it.
  if (adapters.includes(target)) return entry === target
  if (entry.endsWith('*')) return target.startsWith(entry.slice(0, -1))
  return target === entry || target.startsWith(`${entry}/`)
}
