// The scripts in deploy/ that make secrets, stopped by a full disk and by kill -9.
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const deploy = join(import.meta.dirname, '../deploy')

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hasty-secrets-'))
  await cp(deploy, join(root, 'deploy'), { recursive: true })
})
afterEach(() => rm(root, { recursive: true }))

/** @returns whether it came to its end */
const run = (script: string, args: string[], before = ''): Promise<boolean> =>
  new Promise((resolve) => {
    const file = join(root, 'deploy', script)
    const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` }
    execFile('sh', ['-c', `${before} exec sh "$@"`, 'sh', file, ...args], { env }, (error) => resolve(error === null))
  })

/** From then on `openssl` kills whoever calls it for the nth time. */
async function killAtCall(n: number): Promise<void> {
  const bin = join(root, 'bin')
  await rm(bin, { recursive: true, force: true })
  await mkdir(bin)
  const count = `echo >>"${bin}/calls"; [ "$(wc -l <"${bin}/calls")" != ${n} ] || kill -9 "$PPID"`
  await writeFile(
    join(bin, 'openssl'),
    `#!/bin/sh\n${count}\nPATH="$(echo "$PATH" | cut -d: -f2-)"\nexec openssl "$@"\n`,
  )
  await chmod(join(bin, 'openssl'), 0o755)
}
const killNoMore = () => rm(join(root, 'bin'), { recursive: true, force: true })

const contents = async (dir: string): Promise<Record<string, string>> => {
  const names = (await readdir(dir)).filter((name) => !name.startsWith('.'))
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const)),
  )
}

const PASSWORD = expect.stringMatching(/^[\da-f]{48}\n$/) as string
const USERS = ['setup', 'api', 'keeper', 'job', 'workflow', 'ingest', 'backup']
const SECRETS = {
  jwt_secret: expect.stringMatching(/^[\da-f]{64}\n$/) as string,
  'clients.json': '{"clients": []}\n',
  webhook: expect.stringMatching(/^whsec_.{44}\n$/) as string,
  ...Object.fromEntries(USERS.map((user) => [`nats_${user}`, PASSWORD])),
}

test('make-secrets.sh leaves no half of a file where nothing can be written', async () => {
  const dir = join(root, 'deploy/secrets')
  await writeFile(join(root, '.env'), 'PORT=80', { mode: 0o640 })
  expect(await run('make-secrets.sh', [], 'ulimit -f 0;')).toBe(false)
  expect(await contents(dir)).toEqual({})
  expect(await readFile(join(root, '.env'), 'utf8')).toBe('PORT=80')
  expect(await run('make-secrets.sh', [])).toBe(true)
  const made = await contents(dir)
  expect(made).toEqual(SECRETS)
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o644)
  expect(await readFile(join(root, '.env'), 'utf8')).toBe(
    'PORT=80\nCOMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml\n',
  )
  expect((await stat(join(root, '.env'))).mode & 0o777).toBe(0o640)
  expect(await run('make-secrets.sh', [])).toBe(true)
  expect(await contents(dir)).toEqual(made)
})

const passwordIn = (file = '', name = '') => new RegExp(`^${name}=([\\da-f]{48})$`, 'm').exec(file)?.[1]

test('make-env.sh that was killed may be run again: the broker knows the password of every service', async () => {
  for (const killedAt of [1, 2, 4, 7, 8]) {
    const dir = join(root, `etc-${killedAt}`)
    await killAtCall(killedAt)
    expect(await run('systemd/make-env.sh', [dir])).toBe(false)
    await killNoMore()
    expect(await run('systemd/make-env.sh', [dir], 'ulimit -f 0;')).toBe(false)
    expect(await run('systemd/make-env.sh', [dir])).toBe(true)
    const files = await contents(dir)
    expect(Object.keys(files).toSorted()).toEqual(
      ['hasty.env', 'nats.env', ...USERS.map((user) => `${user}.env`)].toSorted(),
    )
    const own = USERS.map((user) => passwordIn(files[`${user}.env`], 'NATS_PASSWORD'))
    expect(own).toEqual(USERS.map((user) => passwordIn(files['nats.env'], `NATS_${user.toUpperCase()}_PASSWORD`)))
    expect(new Set(own).size).toBe(USERS.length)
    expect(files['nats.env']).toMatch(/^NATS_SYNC=always$/m)
    expect(files['job.env']).toMatch(/\nPORT=8081\nWEBHOOK_SECRET=whsec_.{44}\n$/)
    for (const name of Object.keys(files)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600)
    expect(await run('systemd/make-env.sh', [dir])).toBe(true)
    expect(await contents(dir)).toEqual(files)
  }
})

test('make-env.sh gives a service that came later a password that the broker gets, too', async () => {
  const dir = join(root, 'etc')
  expect(await run('systemd/make-env.sh', [dir])).toBe(true)
  await rm(join(dir, 'keeper.env'))
  const lines = (await readFile(join(dir, 'nats.env'), 'utf8')).split('\n')
  await writeFile(
    join(dir, 'nats.env'),
    lines
      .filter((line) => !line.includes('KEEPER'))
      .join('\n')
      .trimEnd(),
  )
  expect(await run('systemd/make-env.sh', [dir])).toBe(true)
  const files = await contents(dir)
  expect(passwordIn(files['keeper.env'], 'NATS_PASSWORD')).toBeDefined()
  expect(passwordIn(files['nats.env'], 'NATS_KEEPER_PASSWORD')).toBe(passwordIn(files['keeper.env'], 'NATS_PASSWORD'))
})
