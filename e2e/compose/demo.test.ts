import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../scripts/servers/run-command.ts'
import { runCli } from '../cli/run-cli.ts'
import { getFrom } from '../support/call.ts'
import { type ComposeProject, type Container, startComposeProject } from './compose-project.ts'

// docker compose -f docker-compose.yml -f docker-compose.prod.yml --profile demo up: everything with tokens and passwords,
// as docs/how-to/deploy.md makes them, and the demo on top.

let dir: string
let hasty: ComposeProject
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-demo-'))
  await runCommand('sh', ['deploy/make-secrets.sh', dir])
  const credentials = await addClient('demo', 'admin')
  hasty = await startComposeProject({
    files: ['docker-compose.prod.yml', await ownSecrets()],
    env: { COMPOSE_PROFILES: 'demo', ...credentials },
  })
  await hasty.up()
})
afterAll(async () => {
  await hasty?.[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

async function addClient(id: string, scope: string): Promise<Record<string, string>> {
  const file = join(dir, 'clients.json')
  const { stdout } = await runCli('', ['admin', 'add-client', id, '--file', file, '--scope', scope])
  await chmod(file, 0o644)
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  )
}

/** The files of this test in place of a developer's own in deploy/secrets. */
async function ownSecrets(): Promise<string> {
  const secrets = (await readdir(dir)).map((name) => [name, { file: join(dir, name) }] as const)
  const file = join(dir, 'compose.json')
  await writeFile(file, JSON.stringify({ secrets: Object.fromEntries(secrets) }))
  return file
}

const SOON = { timeout: 60_000, interval: 500 }
const SUBMITTED = /^submitted task (\w+)$/
const TERMINATED = /^task (\w+) terminated on \d{4}-\d\d-\d\dT[\d:.]+Z$/
const FOUND = /^found task (\w+) created at \d{4}-\d\d-\d\dT[\d:.]+Z with data \{.+\}$/

const linesOf = async ({ id }: Container): Promise<string[]> => (await hasty.docker('logs', id)).split('\n')

const messagesOf = async (container: Container): Promise<string[]> =>
  (await linesOf(container))
    .filter((line) => line.startsWith('{'))
    .map((line) => (JSON.parse(line) as { msg: string }).msg)

const idsIn = (lines: string[], pattern: RegExp): string[] => lines.flatMap((line) => pattern.exec(line)?.[1] ?? [])

test('five clients send tasks to five workers, and the logs of both say what becomes of them', async () => {
  const clients = await hasty.containers('client')
  const workers = [...(await hasty.containers('job')), ...(await hasty.containers('job-demo'))]
  expect([clients.length, workers.length]).toEqual([5, 5])

  const ended = new Set<string>()
  for (const client of clients) {
    await expect.poll(async () => idsIn(await linesOf(client), TERMINATED).length, SOON).toBeGreaterThan(1)
    const lines = await linesOf(client)
    const submitted = new Set(idsIn(lines, SUBMITTED))
    for (const id of idsIn(lines, TERMINATED)) {
      expect(submitted).toContain(id)
      ended.add(id)
    }
  }
  const found = new Set<string>()
  for (const worker of workers) {
    await expect.poll(async () => idsIn(await messagesOf(worker), FOUND).length, SOON).toBeGreaterThan(0)
    for (const id of idsIn(await messagesOf(worker), FOUND)) found.add(id)
  }
  expect([...ended].filter((id) => !found.has(id))).toEqual([])
})

test('the workers of both services are listed, for whoever has a token', async () => {
  expect(await getFrom(`${hasty.url}/v1/workers`)).toMatchObject({ status: 401, body: { code: 'token-required' } })
  const secret = join(dir, 'jwt_secret')
  const signed = await runCli('', ['token', '--sign', '--secret-file', secret, '--subject', 'test', '--scope', 'admin'])
  const headers = { authorization: `Bearer ${signed.stdout.trim()}` }
  await expect
    .poll(async () => ((await getFrom(`${hasty.url}/v1/workers`, headers)).body['items'] as unknown[]).length, SOON)
    .toBe(5)
})

test('nginx reaches who asks for tokens, and no worker: they ask for none', async () => {
  const [nginx] = await hasty.containers('nginx')
  const ask = (url: string) => hasty.docker('exec', nginx?.id ?? '', 'wget', '-q', '-O', '-', url)
  expect(await ask('http://api:8080/heartbeat')).toContain('"service":"api"')
  expect(await ask('http://workflow:8082/heartbeat')).toContain('"service":"workflow"')
  for (const path of ['jobs', 'requests', 'definitions'])
    expect(await getFrom(`${hasty.url}/v1/${path}`)).toMatchObject({ status: 401, body: { code: 'token-required' } })
  for (const host of ['job', 'job-demo']) await expect(ask(`http://${host}:8081/heartbeat`)).rejects.toThrow()
})

test('nobody warns of development passwords', async () => {
  const services = ['nats', 'api', 'keeper', 'job', 'job-demo', 'workflow', 'ingest', 'setup']
  const logs = await hasty.compose('logs', '--no-log-prefix', '--no-color', ...services)
  expect(logs).toContain('found task')
  expect(logs.split('\n').filter((line) => /development|AUTH is off/i.test(line))).toEqual([])
})

test('a client that is stopped follows its tasks to their end, and says that all ended', async () => {
  const [one] = await hasty.containers('client')
  await hasty.docker('stop', '--timeout', '20', one?.id ?? '')
  const stopped = (await hasty.containers('client')).find(({ id }) => id === one?.id)
  expect(stopped).toMatchObject({ state: 'exited', exitCode: 0 })
  expect(await linesOf(stopped as Container)).toContain('check         ok: every accepted job ended')
})
