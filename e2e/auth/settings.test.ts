// Settings that must not be left to chance: an api that would let everybody in, or that nobody could use, does not
// start.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startMixed } from '../support/hasty.ts'
import { SECRET } from './tokens.ts'

const check = join(import.meta.dirname, '../../services/api/check-settings.ts')
const run = promisify(execFile)
const complaints = async (env: Record<string, string>): Promise<string> => {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const clean = { PATH, NODE_COMPILE_CACHE, ...env }
  return run(process.execPath, [check], { env: clean }).then(
    () => '',
    (error: { stderr: string }) => error.stderr,
  )
}

test.each<[string, Record<string, string>, RegExp]>([
  ['nothing said, and an address that others can reach', { HOST: '0.0.0.0' }, /AUTH: must be set because HOST/],
  ['required, and no key', { AUTH: 'required' }, /AUTH: required needs JWT_SECRET/],
  ['a short secret', { JWT_SECRET: 'x'.repeat(31) }, /JWT_SECRET: must have at least 32 bytes/],
  ['a short secret from before', { JWT_SECRET: SECRET, JWT_SECRET_PREVIOUS: 'x' }, /JWT_SECRET_PREVIOUS: must have/],
  [
    'two kinds of keys',
    { JWT_SECRET: SECRET, JWT_JWKS_URL: 'https://x.example/k' },
    /JWT_JWKS_URL: cannot be combined/,
  ],
  ['keys that are at no address', { JWT_JWKS_URL: 'keys.json' }, /JWT_JWKS_URL: expected an https or http address/],
  ['a symmetric algorithm for public keys', { JWT_ALGORITHMS: 'RS256,HS256' }, /JWT_ALGORITHMS: expected some of/],
  ['clients, and nothing to sign with', { CLIENTS_FILE: '/x.json' }, /CLIENTS_FILE: requires JWT_SECRET/],
  ['a key, and nothing said', { JWT_SECRET: SECRET }, /AUTH: must be set because there is a key/],
  [
    'a tenant that would be the subject',
    { JWT_TENANT_CLAIM: 'sub' },
    /JWT_TENANT_CLAIM: is a claim with a different meaning/,
  ],
  ['another word', { AUTH: 'on' }, /AUTH: expected off or required/],
  ['an origin with a path', { CORS_ORIGINS: 'https://a.example/x' }, /CORS_ORIGINS: expected https:\/\/host/],
  ['any origin', { CORS_ORIGINS: '*' }, /CORS_ORIGINS: expected https:\/\/host/],
])('%s is refused', async (_what, env, complaint) => {
  const text = await complaints(env)
  expect(text).toMatch(complaint)
  expect(text).not.toContain(SECRET)
})

test.each<[string, Record<string, string>]>([
  ['nothing said on loopback', {}],
  ['off, said aloud', { HOST: '0.0.0.0', AUTH: 'off' }],
  ['required with a secret', { HOST: '0.0.0.0', AUTH: 'required', JWT_SECRET: SECRET }],
  ['required with an issuer’s keys', { AUTH: 'required', JWT_JWKS_URL: 'https://issuer.example/jwks.json' }],
])('%s is accepted', async (_what, env) => {
  expect(await complaints(env)).toBe('')
})

test('an api without authentication says so, loudly', async () => {
  await using hasty = await startMixed(['api'], { apis: 1, jobs: 0 })
  const lines = (await hasty.api[0]?.logs()) ?? []
  expect(lines.filter((line) => 'host' in line)).toMatchObject([{ level: 'warn' }])
})
