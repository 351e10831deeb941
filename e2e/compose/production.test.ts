// What docs/how-to/deploy.md, scale.md and back-up.md say of the deployment with tokens and passwords from files, command
// by command, in a folder of another name, which is the name of the project.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { runCommand } from '../../scripts/servers/run-command.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { untilAllEnded, untilEnded } from './jobs.ts'

const root = join(import.meta.dirname, '../..')
/** All that compose builds from and mounts, and the scripts that the documents name. */
const NEEDED = `
  Dockerfile .dockerignore package.json package-lock.json docker-compose.yml
  docker-compose.prod.yml deploy nats nginx scripts services shared client cli ui`
  .trim()
  .split(/\s+/)

let dir: string
let url: string
let env: NodeJS.ProcessEnv
let token: Record<string, string>

/** A command as it stands in the documents, typed in the folder of the deployment. */
const type = (line: string) => runCommand('sh', ['-euc', line], { env, cwd: dir })
const hasty = (line: string) => type(`${process.execPath} ${join(root, 'cli/main.ts')} ${line}`)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shop-'))
  for (const name of NEEDED) await cp(join(root, name), join(dir, name), { recursive: true, filter: isNoSecret })
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  env = {
    ...process.env,
    HASTY_PORT: `127.0.0.1:${port}`,
    HASTY_IMAGE: `${basename(dir).toLowerCase()}:test`,
    HASTY_URL: url,
    JOB_SLOTS: '4',
    SLEEP_MIN_MS: '300',
    SLEEP_MAX_MS: '600',
    COMPOSE_PROGRESS: 'quiet',
  }
  await type('sh deploy/make-secrets.sh')
  const said = await hasty(
    'admin add-client billing --file deploy/secrets/clients.json --scope jobs:read,jobs:write,admin --json',
  )
  const { client_secret: secret } = JSON.parse(said) as { client_secret: string }
  Object.assign(env, { HASTY_CLIENT_ID: 'billing', HASTY_CLIENT_SECRET: secret })
  await type('docker compose up -d --wait')
  token = { authorization: `Bearer ${(await hasty('token')).trim()}` }
})

afterAll(async () => {
  await type('docker compose down --volumes --remove-orphans --timeout 0; docker image rm --force "$HASTY_IMAGE"')
  await rm(dir, { recursive: true, force: true })
})

const isNoSecret = (path: string): boolean => !path.startsWith(join(root, 'deploy/secrets'))

const containersOf = async (service: string) =>
  (await type(`docker compose ps -q ${service}`)).split('\n').filter((line) => line !== '')

test('the secrets are in files, and every command means the file that reads them', async () => {
  expect(await readFile(join(dir, '.env'), 'utf8')).toBe('COMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n')
  // Again: nothing changes.
  await type('sh deploy/make-secrets.sh')
  expect(await readFile(join(dir, '.env'), 'utf8')).toBe('COMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n')
  expect((await postTo(url, { object_id: 'nobody' })).status).toBe(401)
  expect((await hasty('add --i 1,2,3')).trim()).toBe('Result: 6')
  expect(await type('docker compose logs')).not.toContain('development')
})

test('while jobs wait and run it is scaled up and down, and backed up and restored', async () => {
  const jobs = await Promise.all(
    Array.from({ length: 40 }, (_, n) => postTo(url, { object_id: `w${n}`, payload: { ms: 2_000 } }, token)),
  )
  const ids = jobs.map(({ body }) => String(body['job_id']))
  await type('docker compose up -d --no-recreate --scale api=2 --scale job=2')
  expect([(await containersOf('api')).length, (await containersOf('job')).length]).toEqual([2, 2])

  const { body: ended } = await postTo(url, { object_id: 'kept', type: 'add', payload: { numbers: [1] } }, token)
  await untilEnded(url, String(ended['job_id']), 30_000, token)
  const yearly = { cron: '0 0 1 1 *', job: { type: 'sleep' } }
  expect(await send('PUT', `${url}/v1/schedules/yearly`, yearly, token)).toMatchObject({ status: 201 })
  const message = [{ timestamp: '2026-11-22T18:00:00Z', value: 'kept' }]
  expect(await postTo(`${url}/message`, message, token)).toMatchObject({ status: 201 })
  const filesWithIt = async () =>
    (await type('docker compose exec -T ingest sh -c "grep -rl kept /output | cat"')).trim()
  await expect.poll(filesWithIt, { timeout: 20_000 }).toContain('.ndjson')
  const files = await filesWithIt()

  await type('sh scripts/back-up.sh backup/monday')
  await type('docker compose up -d --no-recreate --scale api=1 --scale job=1')
  await type('docker compose down --volumes --timeout 0')
  await type('sh scripts/restore.sh backup/monday')

  expect(await filesWithIt()).toBe(files)
  expect((await getFrom(`${url}/v1/schedules/yearly`, token)).status).toBe(200)
  expect(await postTo(url, { object_id: 'kept', type: 'add', payload: { numbers: [1] } }, token)).toMatchObject({
    status: 400,
    body: { code: 'cooldown', job_id: ended['job_id'] },
  })
  await untilAllEnded(url, ids, token)
  // A second restore must not touch what is there.
  await expect(type('sh scripts/restore.sh backup/monday')).rejects.toThrow('already')
})
