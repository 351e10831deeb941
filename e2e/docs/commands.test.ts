// The commands of the pages that use the HTTP interface and the command line, as they stand there.
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../cli/run-cli.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { blocksOf } from './blocks.ts'
import { fillCommand, READER_FILES, variantsOf } from './fill-command.ts'

const root = join(import.meta.dirname, '../..')
/** The type of which the pages speak. */
const HANDLER = `export const handler = {
  type: 'resize',
  policy: { max_attempts: 1 },
  run: (payload) => { if (payload?.fail) throw new Error('no such picture') },
}`

const JWT_SECRET = 'only for the test of the pages, of 32 bytes'
/** The pages show this in place of a secret. */
const SECRET = 'hsec_...'

let hasty: Hasty
let secret: string
let dir: string
let handlers: string
beforeAll(async () => {
  handlers = await mkdtemp(join(tmpdir(), 'hasty-docs-'))
  await writeFile(join(handlers, 'resize.ts'), HANDLER)
  hasty = await startInProcess({
    ingests: 1,
    workflows: 1,
    // Nobody needs a token, and who wants one gets it.
    apiEnv: { AUTH: 'off', JWT_SECRET, CLIENTS_FILE: await addClient() },
    env: { HANDLERS_DIR: handlers, SERVICES: 'shop=http://127.0.0.1:9', SLEEP_MIN_MS: '10', SLEEP_MAX_MS: '50' },
  })
  dir = hasty.dir
  await writeFile(join(dir, 'hasty'), `#!/bin/sh\nexec ${process.execPath} ${join(root, 'cli/main.ts')} "$@"\n`)
  await chmod(join(dir, 'hasty'), 0o755)
  await cp(join(root, 'examples/messages.ndjson'), join(dir, 'messages.ndjson'))
  // Where the completion for fish goes.
  await mkdir(join(dir, '.config/fish/completions'), { recursive: true })
  await writeFile(join(dir, 'client-secret'), secret)
  await writeFile(join(dir, 'jwt_secret'), JWT_SECRET)
  for (const [name, text] of Object.entries(READER_FILES)) await writeFile(join(dir, name), text, { mode: 0o755 })
  await writeFile(join(dir, 'jobs.ndjson'), '{"object_id":"n1","type":"sleep"}\n{"object_id":"n2","type":"sleep"}\n')
})
afterAll(async () => {
  await hasty.stop()
  await rm(handlers, { recursive: true, force: true })
})

/** Adds a client. @returns the file of clients */
async function addClient(): Promise<string> {
  const file = join(handlers, '_clients.json')
  const scope = ['--scope', 'jobs:read,jobs:write']
  const { stdout } = await runCli('', ['admin', 'add-client', 'billing', '--file', file, ...scope])
  secret = /hsec_[\w-]+/.exec(stdout)?.[0] ?? ''
  return file
}

/** Commands that this test does not run, and why. */
const NOT_RUN: [command: RegExp, reason: string][] = [
  [/^npm test/, 'it runs this test'],
  [/^npm start/, 'the services run already; e2e/start.test.ts runs it'],
  [/^docker compose/, 'e2e/compose runs it'],
]
const isRun = (command: string): boolean => !NOT_RUN.some(([pattern]) => pattern.test(command))

/** The state in which the page's reader has the job \`$ID\`, by the heading; a new job for each command. */
const JOBS: Record<string, () => Promise<string>> = {
  Retry: async () => {
    const id = await makeJob(hasty, { type: 'add', payload: { numbers: [1e308, 1e308] } })
    await untilJob(hasty, id, { status: 'failed' })
    return id
  },
  'Delay and reschedule': () => makeJob(hasty, { delay_ms: 3_600_000 }),
  Events: async () => {
    const id = await makeJob(hasty, { payload: { ms: 1 } })
    await untilJob(hasty, id, { status: 'finished' })
    return id
  },
}

/** A refusal fails the command, and npx runs this repository's. */
const CURL = `npx() { "$@"; }; curl() { command curl --silent --show-error --fail-with-body --max-time 20 "$@"; }`

function runScript(script: string, env: Record<string, string>): Promise<{ code: number; output: string }> {
  const { host } = new URL(hasty.url)
  const here = script.replaceAll('localhost:8080', host)
  return new Promise((resolve) => {
    const all = { ...process.env, PATH: `${dir}:${process.env['PATH']}`, HOME: dir, HASTY_URL: hasty.url, ...env }
    const child = execFile('bash', ['-euc', `${CURL}\n${here}`], { cwd: dir, env: all }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    )
  })
}

/** `curl` of a stream that has no end: it is left after a moment. */
const isEndless = (command: string): boolean => /\/v1\/events/.test(command) && command.includes('event-stream')
const LEFT = 28

const HOW_TOS = [
  'control-jobs',
  'search-jobs',
  'see-workers',
  'schedule-jobs',
  'call-out',
  'messages',
  'callbacks',
  'cli',
]

describe.each(['README', ...HOW_TOS.map((name) => `docs/how-to/${name}`)])('%s.md', async (page) => {
  const blocks = blocksOf(await readFile(join(root, `${page}.md`), 'utf8'))
  test('has commands', () => expect(blocks.length).toBeGreaterThan(0))

  test.each(blocks.map((block) => [block.heading, block] as const))('%s', async (heading, { commands }) => {
    // What stands in the same block may set a variable for what follows.
    const needsOneShell = commands.some((command) => /^\w+=|^while |^export /.test(command))
    const all = commands.filter(isRun).flatMap(variantsOf)
    for (const raw of needsOneShell ? [all.join('\n')] : all) {
      const script = (await fillCommand({ hasty, dir }, raw)).replace(SECRET, secret)
      const ID = script.includes('$ID') ? await (JOBS[heading] ?? waitingJob)() : ''
      const given = isEndless(script) ? script.replace('curl', 'curl --max-time 1') : script
      const { code, output } = await runScript(shortened(given), { H: hasty.url, ID })
      expect({ script, code, output: output.slice(0, 500) }).toEqual({
        script,
        output: expect.anything(),
        code: isEndless(script) ? LEFT : 0,
      })
    }
  })
})

const waitingJob = () => makeJob(hasty, { payload: { ms: 3_000 } })

/** A load that takes half a minute shows nothing more. */
const shortened = (command: string): string =>
  command
    .replace('--duration 30s', '--duration 1s')
    // A worker works until somebody stops it, with one signal: to its group too, the second could meet one that has ended
    // its work and is about to exit.
    .replace(/(?:npx )?hasty work /, 'timeout --foreground --preserve-status -s INT 3 hasty work ')
