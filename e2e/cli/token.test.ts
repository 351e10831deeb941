import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type CliResult, runCli } from './run-cli.ts'

const JWT_SECRET = 'only for the tests of the tokens, of 32 bytes'

let hasty: Hasty
let dir: string
let file: string
let credentials: Record<string, string>

const cli = (args: string[], env: Record<string, string> = {}): Promise<CliResult> =>
  runCli(hasty?.url ?? '', args, { env })

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-token-'))
  file = join(dir, 'clients.json')
  credentials = await addClient('billing', '--scope', 'jobs:read,jobs:write')
  hasty = await startInProcess({ nginx: true, apiEnv: { AUTH: 'required', JWT_SECRET, CLIENTS_FILE: file } })
})
afterAll(async () => {
  await hasty?.stop()
  await rm(dir, { recursive: true })
})

/** @returns the settings in the output of the command */
async function addClient(id: string, ...args: string[]): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await cli(['admin', 'add-client', id, '--file', file, ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'Save the secret now: the file keeps only its hash.\n' })
  expect(stdout).toMatch(/^HASTY_CLIENT_ID=\w+\nHASTY_CLIENT_SECRET=hsec_[\w-]{43}\n$/)
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]))
}

/** The claims of a token, unverified. */
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('admin', () => {
  test('adds a client, whose secret only its output has, lists it and removes it', async () => {
    const { HASTY_CLIENT_SECRET = '' } = await addClient('shop', '--scope', 'jobs:write', '--tenant', 'acme')
    expect(await readFile(file, 'utf8')).not.toContain(HASTY_CLIENT_SECRET)
    const { stdout } = await cli(['admin', 'list-clients', '--file', file])
    expect(stdout).toMatch(
      /^ID +SCOPES +TENANT +CREATED\nbilling +jobs:read,jobs:write +20.+Z\nshop +jobs:write +acme +20/,
    )
    const removed = await cli(['admin', 'remove-client', 'shop', '--file', file])
    expect(removed).toMatchObject({ code: 0, stdout: 'removed shop\n' })
    const left = await cli(['admin', 'list-clients', '--file', file, '--json'])
    expect(JSON.parse(left.stdout)).toEqual({
      client_id: 'billing',
      scopes: ['jobs:read', 'jobs:write'],
      tenant: null,
      created_at: expect.any(String) as string,
    })
  })

  test.each([
    ['a client that is there already', ['add-client', 'billing', '--scope', 'jobs:read'], /remove it first/],
    ['an id that is none', ['add-client', 'a b', '--scope', 'jobs:read'], /client_id/],
    ['a scope that is none', ['add-client', 'x', '--scope', 'jobs'], /jobs:read,jobs:write,work,admin/],
    ['a client without scope', ['add-client', 'x'], /--scope <scopes>/],
    ['a file that is none', ['list-clients', '--file', '/nonexistent'], /cannot be read\. Check --file\./],
    ['the removal of a client that is none', ['remove-client', 'nobody'], /no client nobody/],
  ])('%s is a mistake in one sentence', async (_, args, sentence) => {
    const before = await readFile(file, 'utf8')
    const result = await cli(['admin', ...args, ...(args.includes('--file') ? [] : ['--file', file])])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(/^hasty: .+\n$/)
    expect(result.stderr).toMatch(sentence)
    expect(await readFile(file, 'utf8')).toBe(before)
  })
})

describe('token', () => {
  test('is fetched with client credentials, for as much as is asked for', async () => {
    const { code, stdout, stderr } = await cli(['token'], credentials)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(claimsOf(stdout)).toMatchObject({ sub: 'billing', iss: 'hasty', scope: 'jobs:read jobs:write' })

    const secretFile = join(dir, 'secret')
    await writeFile(secretFile, `${credentials['HASTY_CLIENT_SECRET']}\n`)
    const given = ['--client-id', 'billing', '--client-secret-file', secretFile]
    const less = await cli(['token', ...given, '--scope', 'jobs:read', '--json'])
    expect(JSON.parse(less.stdout)).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'jobs:read' })
  })

  test("is signed with the server's secret, and the server takes it", async () => {
    const args = ['token', '--sign', '--subject', 'me', '--scope', 'jobs:read,jobs:write', '--ttl', '2m']
    const { code, stdout } = await cli([...args, '--tenant', 'acme'], { JWT_SECRET })
    expect(code).toBe(0)
    const { exp, iat, ...claims } = claimsOf(stdout) as Record<string, number>
    expect(claims).toMatchObject({ sub: 'me', tenant: 'acme', scope: 'jobs:read jobs:write' })
    expect((exp ?? 0) - (iat ?? 0)).toBe(120)
    const added = await cli(['add', '--i', '1,2', '--wait', '20s'], { HASTY_TOKEN: stdout.trim() })
    expect(added).toMatchObject({ code: 0, stdout: 'Result: 3\n' })
  })

  test.each<[string, string[], Record<string, string>, number, RegExp]>([
    ['no credentials', [], {}, 2, /HASTY_CLIENT_ID and HASTY_CLIENT_SECRET.*--sign/],
    ['a secret that is none', [], { HASTY_CLIENT_SECRET: 'no' }, 5, /Check HASTY_CLIENT_ID and HASTY_CLIENT_SECRET/],
    ['a scope that the client has not', ['--scope', 'admin'], {}, 2, /may request these scopes: jobs:read jobs:write/],
    ['--tenant without --sign', ['--tenant', 'acme'], {}, 2, /need --sign/],
    ['--sign without a subject', ['--sign'], { JWT_SECRET }, 2, /--subject me --scope/],
    [
      '--sign without a secret',
      ['--sign', '--subject', 'me', '--scope', 'admin'],
      {},
      2,
      /--secret-file or JWT_SECRET/,
    ],
    ['a short secret', ['--sign', '--subject', 'me', '--scope', 'admin'], { JWT_SECRET: 'x' }, 2, /32 bytes.*openssl/],
  ])('%s is a mistake in one sentence', async (name, args, env, code, sentence) => {
    const result = await cli(['token', ...args], { ...(name === 'no credentials' ? {} : credentials), ...env })
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(/^hasty: .+\n$/)
    expect(result.stderr).toMatch(sentence)
  })
})

describe('every command', () => {
  test('says that it needs a token, and which ways there are to give one', async () => {
    const { code, stdout, stderr } = await cli(['add', '--i', '1,2'])
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toMatch(/HASTY_TOKEN, --token-file, or HASTY_CLIENT_ID and HASTY_CLIENT_SECRET\.\n$/)
  })

  test('fetches its own token with client credentials', async () => {
    expect(await cli(['add', '--i', '1,2,3', '--wait', '20s'], credentials)).toMatchObject({
      code: 0,
      stdout: 'Result: 6\n',
      stderr: '',
    })
    const load = await cli(['load', '--type', 'task', '--rate', '10', '--duration', '1s'], credentials)
    expect(load.stdout).toContain('check         ok: every accepted job ended')
  })

  test('the dashboard has an address with a token in it, which a server takes and never sees', async () => {
    const { code, stdout } = await cli(['ui'], credentials)
    expect(code).toBe(0)
    const { pathname, hash, origin } = new URL(stdout.trim())
    expect([origin, pathname]).toEqual([new URL(hasty.url).origin, '/ui'])
    const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
    expect(await (await fetch(`${hasty.url}/v1/caller`, { headers })).json()).toMatchObject({ subject: 'billing' })
    expect((await cli(['ui'], { HASTY_TOKEN: '' })).stdout).toBe(`${hasty.url}/ui\n`)
  })
})
