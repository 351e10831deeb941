// The settings that compose and Kubernetes pass on: neither may name one that nobody reads, and compose must pass on
// all.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { BACKUP, READERS, START, settingNames } from './readers.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** Settings that compose does not pass on, and why. */
const NOT_PASSED_ON: Record<string, string> = {
  HOST: 'the image sets it',
  DATA_DIR: 'containers keep nothing: the stores are in MongoDB',
  REUSE_PORT: 'a container is one process',
  WORKFLOW_URLS: 'nginx reaches the workflow service itself',
  CLIENTS_FILE: 'docker-compose.prod.yml mounts the file and names it',
}

type Service = { image?: string; command?: unknown; environment?: Record<string, unknown> }
type Compose = { services: Record<string, Service> }
const compose = (file: string) => (parse(read(file), { merge: true }) as Compose).services

const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.prod.yml', 'docker-compose.cluster.yml']
/** The settings that a container reads, by its service's name. */
const SHAPES = {
  ...READERS,
  setup: READERS['job'],
  'job-demo': READERS['job'],
  'back-up': READERS[BACKUP],
  restore: READERS[BACKUP],
}
const OF_SERVICES = Object.keys(SHAPES)

/** A setting may be read from a file. */
const settingOf = (variable: string): string => variable.replace(/_FILE$/, (end) => (isSetting(variable) ? end : ''))
/** OpenTelemetry's own, which its libraries read. */
const isForTraces = (name: string): boolean => name.startsWith('OTEL_')
const isSetting = (name: string): boolean => settingNames().includes(name)

for (const [service, shape] of Object.entries(READERS).filter(([reader]) => reader !== START && reader !== BACKUP)) {
  test(`compose passes every setting of ${service} on`, () => {
    const passedOn = Object.keys(compose('docker-compose.yml')[service]?.environment ?? {}).map(settingOf)
    const missing = Object.keys(shape).filter((name) => !passedOn.includes(name) && !(name in NOT_PASSED_ON))
    expect(missing).toEqual([])
  })
}

test('an exception of compose is a setting that it does not pass on', () => {
  const passedOn = Object.values(compose('docker-compose.yml')).flatMap(({ environment = {} }) =>
    Object.keys(environment),
  )
  expect(Object.keys(NOT_PASSED_ON).filter((name) => !isSetting(name) || passedOn.includes(name))).toEqual([])
})

for (const file of COMPOSE_FILES) {
  test(`${file} names no setting that nobody reads`, () => {
    const services = Object.entries(compose(file)).filter(([name]) => OF_SERVICES.includes(name))
    const named = services.flatMap(([, { environment = {} }]) => Object.keys(environment))
    expect(services.length).toBeGreaterThan(0)
    expect(named.filter((name) => !isSetting(settingOf(name)) && !isForTraces(name))).toEqual([])
  })

  test(`every variable of ${file} is a setting or stands in docs/how-to/deploy.md`, () => {
    const variables = new Set([...read(file).matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name = '']) => name))
    const documented = read('docs/how-to/deploy.md')
    expect([...variables].filter((name) => !isSetting(name) && !documented.includes(name))).toEqual([])
  })
}

type Container = { name: string; env?: { name: string }[] }
type Manifest = { spec?: { template?: { spec?: { containers?: Container[] } } } } | null

for (const file of globSync('deploy/kubernetes/*.yaml', { cwd: root })) {
  test(`${file} names no setting that its service does not read`, () => {
    const manifests = parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest)
    const containers = manifests.flatMap((manifest) => manifest?.spec?.template?.spec?.containers ?? [])
    const unread = containers.flatMap(({ name: service, env = [] }) => {
      const shape = SHAPES[service as keyof typeof SHAPES]
      return shape === undefined ? [] : env.map(({ name }) => settingOf(name)).filter((name) => !(name in shape))
    })
    expect(unread).toEqual([])
  })
}

test('Kubernetes runs every service under its own name', () => {
  const files = globSync('deploy/kubernetes/*.yaml', { cwd: root }).map(read).join('\n')
  for (const service of ['api', 'keeper', 'job', 'workflow', 'ingest', 'setup'])
    expect(files).toContain(`- name: ${service}\n`)
})
