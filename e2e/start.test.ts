// `npm start` as a user runs it: one supervisor over a private broker and services.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort, portError } from '../scripts/servers/free-port.ts'
import { getFrom, postTo } from './support/call.ts'

const root = join(import.meta.dirname, '..')
const UNTIL = { timeout: 20_000, interval: 50 }

let dir: string
let url: string
let jobPort: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-start-'))
  const port = String(await freePort())
  url = `http://localhost:${port}`
  const { NATS_URL: _natsUrl, MONGO_URL: _mongoUrl, LOG_FORMAT: _format, ...inherited } = process.env
  jobPort = String(await freePort())
  const others = { KEEPER_PORT: '0', WORKFLOW_PORT: '0', INGEST_PORT: '0', JOB_PORT: jobPort }
  env = { ...inherited, ...others, PORT: port, DATA_DIR: join(dir, 'data'), SLEEP_MIN_MS: '10', SLEEP_MAX_MS: '50' }
})

afterAll(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))

type Run = AsyncDisposable & {
  lines(): string[]
  /** Pids of the services that logged the message, in order of time. */
  pidsThatLogged(message: string): number[]
  /** Sends a signal to the supervisor alone; resolves to its exit code. */
  end(signal: NodeJS.Signals): Promise<unknown>
}

type Command = [file: string, ...args: string[]]
const runScript = (script: string): Command => [process.execPath, join(root, 'scripts/run.mjs'), script]

function run([file, ...args]: Command, own: Record<string, string> = {}): ChildProcess & { text: () => string } {
  // Where handlers change, setup says on stderr what is wrong with them.
  const stderr = own['WATCH'] === undefined ? 'inherit' : 'ignore'
  const child = spawn(file, args, { cwd: root, env: { ...env, ...own }, stdio: ['ignore', 'pipe', stderr] })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return Object.assign(child, { text: () => text })
}

/** Resolves when the address answers. */
async function startHere(command: Command, own: Record<string, string> = {}): Promise<Run> {
  const child = run(command, own)
  const ended = once(child, 'exit')
  const lines = () => child.text().split('\n').slice(0, -1)
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return (await ended)[0] as unknown
  }
  await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), UNTIL)
  // The api may be ready before the other services are.
  await vi.waitFor(() => expect(child.text()).toContain('Hasty listens'), UNTIL)
  return {
    lines,
    pidsThatLogged: (message) =>
      lines()
        .map((line) => JSON.parse(line) as { msg: string; pid: number })
        .filter(({ msg }) => msg === message)
        .map(({ pid }) => pid),
    end,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await end('SIGINT')
    },
  }
}

async function create(objectId: string, payload: object = {}): Promise<string> {
  const { status, body } = await postTo(`${url}/`, { object_id: objectId, payload })
  expect(status).toBe(201)
  return String(body['job_id'])
}

const finished = (jobId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await getFrom(`${url}/${jobId}`)
    expect([status, body['status']]).toEqual([200, 'finished'])
    return body
  }, UNTIL)

/** Kills all ready services with kill -9; resolves when as many have replaced them. */
async function killAndWait(running: Run, readyMessage: string): Promise<void> {
  const old = running.pidsThatLogged(readyMessage)
  for (const pid of old) process.kill(pid, 'SIGKILL')
  await vi.waitFor(() => expect(running.pidsThatLogged(readyMessage)).toHaveLength(2 * old.length), UNTIL)
}

/** A new type, and another version of it while the first one is at work. */
async function changeHandler(hasty: Run, file: string): Promise<void> {
  const write = (word: string) =>
    writeFile(
      file,
      `import { setTimeout as pause } from 'node:timers/promises'
      export const handler = {
        type: 'said',
        policy: { cooldown: false },
        run: ({ ms = 0 }: { ms?: number }) => pause(ms, '${word}'),
      }`,
    )
  const say = (payload: object) =>
    vi.waitFor(async () => {
      const { status, body } = await postTo(`${url}/v1/jobs`, { object_id: 'said', type: 'said', payload })
      expect(status).toBe(201)
      return String(body['job_id'])
    }, UNTIL)
  await write('first')
  const running = await say({ ms: 2_000 })
  await vi.waitFor(async () => expect((await getFrom(`${url}/${running}`)).body['phase']).toBe('running'), UNTIL)
  const broken = join(dirname(file), 'broken.ts')
  await writeFile(broken, 'export const handler = {')
  const told = 'the changed handlers cannot be used, for the reason above; the old ones stay'
  await vi.waitFor(() => expect(hasty.pidsThatLogged(told)).toHaveLength(1), UNTIL)
  await rm(broken)
  await write('second')
  await vi.waitFor(async () => expect((await finished(await say({})))['result']).toBe('second'), UNTIL)
  expect(await finished(running)).toMatchObject({ result: 'first', attempts: [{ attempt: 1, outcome: 'finished' }] })
}

test('starts, starts again what was killed, rebuilds, drains, and knows everything after the next start', async () => {
  let drained = ''
  {
    const handlers = join(dir, 'handlers')
    await mkdir(handlers)
    const own = { API_REPLICAS: '2', HANDLERS_DIR: handlers, WATCH: '1' }
    await using hasty = await startHere(runScript('scripts/start.ts'), own)
    expect(JSON.parse(hasty.lines()[0] ?? '')).toMatchObject({ url, msg: `Hasty starts on ${url}` })
    await vi.waitFor(() => expect(hasty.pidsThatLogged('api is ready')).toHaveLength(2), UNTIL)
    await finished(await create('first'))

    await killAndWait(hasty, 'job service is ready')
    await finished(await create('after the job service died'))
    await killAndWait(hasty, 'api is ready')
    await finished(await create('after both apis died'))

    await vi.waitFor(() => expect(hasty.pidsThatLogged('workflow is ready')).toHaveLength(1), UNTIL)
    const steps = [
      { name: 'sum', jobs: [{ name: 'j', type: 'add', payload: { numbers: [1, 2] } }] },
      { name: 'wait', signal: 'go' },
    ]
    const { body } = await postTo(`${url}/v1/requests`, { steps })
    const request = `${url}/v1/requests/${String(body['request_id'])}`
    await killAndWait(hasty, 'workflow is ready')
    expect(await postTo(`${request}/signals/go`, {})).toMatchObject({ status: 200 })
    const completed = { status: 'completed', steps: [{ jobs: [{ result: 3 }] }, {}] }
    await vi.waitFor(async () => expect((await getFrom(request)).body).toMatchObject(completed), UNTIL)

    const timestamp = '2026-11-22T18:00:00Z'
    const messages = async () => (await getFrom(`${url}/v1/message/workers`)).body['messages_total']
    expect(await postTo(`${url}/message`, [{ timestamp }])).toMatchObject({ status: 201 })
    await vi.waitFor(async () => expect(await messages()).toBe(1), UNTIL)
    await killAndWait(hasty, 'ingest is ready')
    expect(await postTo(`${url}/message`, [{ timestamp }])).toMatchObject({ status: 201 })
    await vi.waitFor(async () => expect(await messages()).toBe(2), UNTIL)
    const folders = await readdir(join(dir, 'data/messages'))
    expect(folders.toSorted()).toEqual(['shard-0', 'shard-1', 'shard-2', 'shard-3'])

    // Only DATA_DIR tells the command where the broker is.
    const rebuild = run(runScript('services/keeper/rebuild.ts'))
    expect(await once(rebuild, 'exit')).toEqual([0, null])
    expect(rebuild.text()).toContain('rebuild requested')

    // The workers of the job service, which the apis ask; the killed one is no longer live.
    await vi.waitFor(async () => {
      expect((await getFrom(`${url}/v1/workers?live=true`)).body['items']).toMatchObject([{ live: true, processed: 3 }])
    }, UNTIL)

    expect(await (await fetch(`http://127.0.0.1:${jobPort}/metrics`)).text()).toContain('hasty_jobs_in_flight')

    const backUp = run(runScript('services/backup/back-up.ts'), { BACKUP_DIR: join(dir, 'backup') })
    expect(await once(backUp, 'exit'), backUp.text()).toEqual([0, null])
    await changeHandler(hasty, join(handlers, 'said.ts'))

    drained = await create('still running at the end', { ms: 1500 })
    await vi.waitFor(async () => {
      expect((await getFrom(`${url}/${drained}`)).body['attempts']).toHaveLength(1)
    }, UNTIL)
    expect(await hasty.end('SIGINT')).toBe(0)
  }

  // The setup of a process manager: npm, and a signal to npm alone.
  await using hasty = await startHere(['npm', 'start', '--silent'], { LOG_FORMAT: 'pretty' })
  expect(hasty.lines()[0]).toMatch(`Hasty starts on ${url} (data in ${env['DATA_DIR']})`)
  for (const line of hasty.lines()) expect(line).not.toMatch(/^\{/)
  expect((await finished(drained))['attempts']).toMatchObject([{ attempt: 1, outcome: 'finished' }])
  const again = await postTo(`${url}/`, { object_id: 'first' })
  expect([again.status, again.body['code']]).toEqual([400, 'cooldown'])
  await finished(String(again.body['job_id']))
  await hasty.end('SIGTERM')
  await vi.waitFor(async () => expect(await portError(Number(env['PORT']))).toBeUndefined(), UNTIL)
  // The broker ends last, and its pid file goes with it.
  await vi.waitFor(async () => expect(await readdir(join(dir, 'data/nats'))).not.toContain('nats-server.pid'), UNTIL)
})

test('a backup that was taken while it ran is restored into an empty folder, and nowhere else', async () => {
  const place = { DATA_DIR: join(dir, 'restored'), BACKUP_DIR: join(dir, 'backup') }
  const restore = run(runScript('scripts/restore.ts'), place)
  expect(await once(restore, 'exit'), restore.text()).toEqual([0, null])
  const again = run(runScript('scripts/restore.ts'), place)
  expect((await once(again, 'exit'))[0]).toBe(1)

  await using _hasty = await startHere(runScript('scripts/start.ts'), place)
  const first = await postTo(`${url}/`, { object_id: 'first' })
  expect([first.status, first.body['code']]).toEqual([400, 'cooldown'])
  await finished(String(first.body['job_id']))
  // What came after the backup is not in it.
  const { status } = await postTo(`${url}/`, { object_id: 'still running at the end' })
  expect(status).toBe(201)
  expect((await getFrom(`${url}/v1/requests?status=completed`)).body['items']).toHaveLength(1)
  expect(await readdir(join(dir, 'restored/messages'))).toEqual(await readdir(join(dir, 'data/messages')))
})
