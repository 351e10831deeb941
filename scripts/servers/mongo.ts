import { createHash } from 'node:crypto'
import { access, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, installIntoCache } from './cache.ts'
import { startChild } from './child.ts'
import { freePort, portError } from './free-port.ts'
import { findOnPath, runCommand } from './run-command.ts'
import { waitUntil } from './wait-until.ts'

export type MongoServer = AsyncDisposable & {
  readonly url: string
  readonly how: string
  /** FerretDB's updates are not atomic under concurrency: a test of racing guarded writes proves nothing there. */
  readonly kind: MongoKind
  stop(): Promise<void>
}

export type MongoKind = 'mongod' | 'ferretdb'

/** The reasons why there is no server: one line for each way tried. */
export type NoMongo = { readonly reasons: string[] }

type Program = { path: string; how: string; kind: MongoKind; args: (port: number, dir: string) => string[] }

const source = join(import.meta.dirname, '../ferretdb')

/** MONGO_URL, else `mongod` on PATH, else FerretDB built from its Go module (45 s the first time, then cached). */
export async function startMongo(options: { dir: string }): Promise<MongoServer | NoMongo> {
  const url = process.env.MONGO_URL
  if (url) return handle(url, `MONGO_URL=${url}`, 'mongod', async () => {})
  const reasons: string[] = ['MONGO_URL: not set']
  for (const find of [findMongod, findFerretDb]) {
    try {
      return await start(await find(), options.dir)
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { reasons }
}

async function findMongod(): Promise<Program> {
  const path = findOnPath('mongod')
  if (path === undefined) throw new Error('mongod: not on PATH')
  const args = (port: number, dir: string) => [
    '--port',
    String(port),
    '--dbpath',
    dir,
    '--bind_ip',
    '127.0.0.1',
    '--quiet',
  ]
  return { path, how: path, kind: 'mongod', args }
}

async function findFerretDb(): Promise<Program> {
  const files = await Promise.all(['go.sum', 'main.go'].map((file) => readFile(join(source, file))))
  const name = `ferretdb-${createHash('sha256').update(Buffer.concat(files)).digest('hex').slice(0, 12)}`
  const known = join(cacheDir(), name)
  const path = await access(known).then(
    () => known,
    () => installIntoCache(name, buildFerretDb),
  )
  const args = (port: number, dir: string) => [String(port), dir]
  return { path, how: 'FerretDB over SQLite', kind: 'ferretdb', args }
}

async function buildFerretDb(scratch: string): Promise<string> {
  const made = join(scratch, 'ferretdb')
  const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', made, '.']
  const env = { ...process.env, CGO_ENABLED: '0' }
  await runCommand('go', args, { cwd: source, env, timeoutMs: 900_000 }).catch((error: unknown) => {
    throw new Error(`FerretDB: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  })
  return made
}

async function start(program: Program, dir: string): Promise<MongoServer> {
  await mkdir(join(dir, 'data'), { recursive: true })
  const port = await freePort()
  const logFile = join(dir, 'mongo.log')
  const env = { ...process.env, DO_NOT_TRACK: '1' }
  const child = await startChild(program.path, program.args(port, join(dir, 'data')), {
    ownGroup: true,
    logFile,
    env,
    outlivesParentByS: 0,
  })
  await waitUntil(async () => (await portError(port)) !== undefined, {
    what: `${program.how} (log: ${logFile})`,
    child,
  })
  return handle(`mongodb://127.0.0.1:${port}`, program.how, program.kind, async () => void (await child.stop()))
}

function handle(url: string, how: string, kind: MongoKind, stop: () => Promise<void>): MongoServer {
  return { url, how, kind, stop, [Symbol.asyncDispose]: stop }
}
