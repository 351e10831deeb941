// `npm start` where another program has a port.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freePort } from '../scripts/servers/free-port.ts'
import { getFrom } from './support/call.ts'

const UNTIL = { timeout: 30_000, interval: 50 }

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-ports-'))
})
afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))

interface Line {
  msg: string
  name: string
  pid: number
  port?: number
  setting?: string
}

/** `npm start` with free ports for all that is not said. */
async function startHere(own: Record<string, string>) {
  const port = await freePort()
  const { NATS_URL: _natsUrl, MONGO_URL: _mongoUrl, ...inherited } = process.env
  const others = { KEEPER_PORT: '0', JOB_PORT: '0', WORKFLOW_PORT: '0', INGEST_PORT: '0', WORKFLOW_REPLICAS: '1' }
  const env = { ...inherited, ...others, PORT: String(port), DATA_DIR: join(dir, 'data'), LOG_FORMAT: 'json', ...own }
  const child = spawn(process.execPath, [join(import.meta.dirname, '../scripts/start.ts')], { env })
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)]
  const ended = once(child, 'exit')
  const lines = () =>
    stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line)
  const said = (msg: string) => lines().filter((line) => line.msg === msg)
  return {
    url: `http://localhost:${port}`,
    stderr,
    ended,
    said,
    lines,
    untilSaid: (msg: string, times = 1) =>
      vi.waitFor(() => {
        expect(said(msg)).toHaveLength(times)
        return said(msg).at(-1) as Line
      }, UNTIL),
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT')
      await ended
    },
  }
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return () => text
}

/** Another program, which listens there as soon as nobody else does. */
async function occupy(port: number): Promise<Server & AsyncDisposable> {
  const server = createServer((socket) => socket.destroy())
  await vi.waitFor(
    () =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
      }),
    { timeout: 5_000, interval: 1 },
  )
  return Object.assign(server, {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}

/** Holds the first process of a service until the test has seen its port. */
const HOLD = (service: string) => `
import { existsSync, writeFileSync } from 'node:fs'
const file = ${JSON.stringify(dir)} + '/port'
if (process.argv[1]?.endsWith('${service}/main.ts') && !existsSync(file)) {
  writeFileSync(file, process.env.PORT)
  while (!existsSync(file + '-taken')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
}
`

const MOVED = 'a port was taken by another program, using another'

test.each([
  ['job', 'job service is ready', '/v1/workers?live=true'],
  ['workflow', 'workflow is ready', '/v1/requests'],
])('a port that npm start chose for %s and another program took is chosen anew', async (service, isUp, path) => {
  const hold = join(dir, 'hold.mjs')
  await writeFile(hold, HOLD(service))
  await using hasty = await startHere({ NODE_OPTIONS: `--import=${hold}` })
  const file = join(dir, 'port')
  // The file is there a moment before its content.
  const port = await vi.waitFor(async () => {
    const chosen = Number(await readFile(file, 'utf8'))
    expect(chosen).toBeGreaterThan(0)
    return chosen
  }, UNTIL)
  await using _other = await occupy(port)
  // The api is ready, and Hasty is not.
  await vi.waitFor(async () => expect((await fetch(`${hasty.url}/readyz`)).status).toBe(200), UNTIL)
  await writeFile(`${file}-taken`, '')
  await hasty.untilSaid(`Hasty listens on ${hasty.url}`)
  const order = hasty.lines().map(({ msg }) => msg)
  expect(order.indexOf(isUp)).toBeLessThan(order.indexOf(`Hasty listens on ${hasty.url}`))
  const [moved] = hasty.said(MOVED)
  expect(moved).toMatchObject({ taken: port })
  expect(hasty.said(isUp)).toMatchObject([{ port: moved?.port }])
  // The api knows where.
  await vi.waitFor(async () => expect((await getFrom(hasty.url + path)).status).toBe(200), UNTIL)
})

test('a service that was killed moves when its port is gone, and the api goes on to it', async () => {
  await using hasty = await startHere({})
  await hasty.untilSaid(`Hasty listens on ${hasty.url}`)
  const { pid, port = 0 } = await hasty.untilSaid('job service is ready')
  process.kill(pid, 'SIGKILL')
  await using _other = await occupy(port)
  await hasty.untilSaid('job service is ready', 2)
  expect(hasty.said(MOVED)).toMatchObject([{ setting: 'JOB_PORT', taken: port }])
  const isLive = async () => expect((await getFrom(`${hasty.url}/v1/workers?live=true`)).body['items']).toHaveLength(1)
  await vi.waitFor(isLive, UNTIL)
})

test('a port that the user has set is not replaced: a start says which setting it is', async () => {
  const port = await freePort()
  await using _other = await occupy(port)
  await using hasty = await startHere({ JOB_PORT: String(port) })
  expect(await hasty.ended).toEqual([1, null])
  expect(hasty.stderr()).toMatch(`JOB_PORT: port ${port} is taken by another program.`)
  expect(hasty.said(`Hasty listens on ${hasty.url}`)).toEqual([])
})

test('a port that the user has set and that is taken later is named, and used as soon as it is free', async () => {
  const own = await freePort()
  await using hasty = await startHere({ KEEPER_PORT: String(own) })
  await hasty.untilSaid(`Hasty listens on ${hasty.url}`)
  const { pid } = await hasty.untilSaid('keeper is ready')
  process.kill(pid, 'SIGKILL')
  const other = await occupy(own)
  const why = `KEEPER_PORT: port ${own} is taken by another program. Stop that one, or choose another port: KEEPER_PORT=${own + 1} npm start`
  await vi.waitFor(() => expect(hasty.said(why).length).toBeGreaterThan(0), UNTIL)
  await other[Symbol.asyncDispose]()
  expect(await hasty.untilSaid('keeper is ready', 2)).toMatchObject({ port: own })
})
