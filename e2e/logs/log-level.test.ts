// The level of the log changes while a service runs, by a signal, as an operator sends it.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { send } from '../support/call.ts'
import { startMixed } from '../support/hasty.ts'
import { untilJob } from '../support/jobs.ts'
import type { LogLine, Replica } from '../support/replica.ts'

const root = join(import.meta.dirname, '../..')
const WITHIN = { timeout: 30_000, interval: 50 }

const untilSwitched = (replica: Replica, levels: string[]) =>
  vi.waitFor(async () => {
    const lines = (await replica.logs()).filter(({ msg }) => msg === 'log level changed')
    expect(lines.map((line) => line['level_is'])).toEqual(levels)
  }, WITHIN)

test('a signal switches a service to debug, its handlers too, and the next one back', async () => {
  const handlers = await mkdtemp(join(tmpdir(), 'hasty-levels-'))
  try {
    const source = `export const handler = { type: 'chatty', run: (_, { log }) => log.debug('handler debugs') }`
    await writeFile(join(handlers, 'chatty.mjs'), source)
    const env = { HANDLERS_DIR: handlers, LOG_LEVEL: 'warn' }
    await using hasty = await startMixed(['job'], { jobEnv: env })
    const [job] = hasty.job
    if (job === undefined) expect.unreachable()
    const run = async () => {
      const { body } = await send('POST', `${hasty.url}/v1/jobs`, { object_id: randomUUID(), type: 'chatty' })
      await untilJob(hasty, String(body['job_id']), { status: 'finished' })
      return String(body['job_id'])
    }
    await run()
    job.kill('SIGUSR2')
    await untilSwitched(job, ['debug'])
    const debugged = await run()
    job.kill('SIGUSR2')
    await untilSwitched(job, ['debug', 'warn'])
    await run()
    // Its end writes what was not written yet.
    await job.stop()
    const said = (await job.logs()).filter(({ msg }) => msg === 'handler debugs')
    expect(said).toMatchObject([{ job_id: debugged, level: 'debug', worker_id: expect.any(String) as string }])
    expect((await job.logs()).filter(({ level }) => level === 'info')).toMatchObject([
      { level_was: 'warn', level_is: 'debug' },
      { msg: 'attempt started', job_id: debugged },
      { msg: 'attempt ended', job_id: debugged, outcome: 'finished' },
      { level_was: 'debug', level_is: 'warn' },
    ])
  } finally {
    await rm(handlers, { recursive: true })
  }
})

const linesOf = (text: string): LogLine[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine)

/** `npm start` without npm, which passes on no such signal. */
async function startAll(dir: string): Promise<{ child: ChildProcess; lines: () => LogLine[] }> {
  const { NATS_URL: _natsUrl, MONGO_URL: _mongoUrl, ...inherited } = process.env
  const ports = {
    PORT: String(await freePort()),
    KEEPER_PORT: '0',
    JOB_PORT: '0',
    WORKFLOW_PORT: '0',
    INGEST_PORT: '0',
  }
  const env = { ...inherited, ...ports, DATA_DIR: dir, LOG_FORMAT: 'json' }
  const command = [join(root, 'scripts/run.mjs'), 'scripts/start.ts']
  const child = spawn(process.execPath, command, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await vi.waitFor(() => expect(text).toContain('Hasty listens'), WITHIN)
  return { child, lines: () => linesOf(text) }
}

test('npm start passes the signal on to each service, and to nobody else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-levels-'))
  const { child, lines } = await startAll(dir)
  try {
    // The file names the process that docs/logs.md sends the signal to.
    process.kill(Number(await readFile(join(dir, 'hasty.pid'), 'utf8')), 'SIGUSR2')
    await vi.waitFor(() => {
      const switched = lines().filter((line) => line['level_is'] === 'debug')
      const services = switched.map((line) => line['service'])
      expect(new Set(services)).toEqual(new Set(['start', 'api', 'keeper', 'job', 'workflow', 'ingest']))
    }, WITHIN)
  } finally {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
    await rm(dir, { recursive: true, maxRetries: 3 })
  }
  expect(lines().filter(({ msg }) => msg === 'process ended, will restart')).toEqual([])
})
