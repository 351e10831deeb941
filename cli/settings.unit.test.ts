import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { configPath, readSettings } from './settings.ts'

const dir = mkdtempSync(join(tmpdir(), 'hasty-settings-'))
afterAll(() => rmSync(dir, { recursive: true }))

const fileWith = (name: string, content: string): string => {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}
const HASTY_CONFIG = fileWith('config.json', '{"url": "https://file.example", "token": "of-file"}')
const tokenFile = fileWith('token', 'of-flag\n')

test.each([
  ['nothing', {}, { XDG_CONFIG_HOME: dir }, 'http://localhost:8080', undefined],
  ['the file', {}, { HASTY_CONFIG }, 'https://file.example', 'of-file'],
  ['the environment', {}, { HASTY_URL: 'http://env', HASTY_TOKEN: 'of-env' }, 'http://env', 'of-env'],
  [
    'a flag',
    { url: 'http://flag', tokenFile },
    { HASTY_URL: 'http://env', HASTY_TOKEN: 'x' },
    'http://flag',
    'of-flag',
  ],
  ['empty variables', {}, { HASTY_CONFIG, HASTY_URL: '', HASTY_TOKEN: '' }, 'https://file.example', 'of-file'],
])('%s says where, and with which token', (_, flags, env, url, token) => {
  expect(readSettings(flags, { XDG_CONFIG_HOME: join(dir, 'none'), ...env })).toEqual({ url, token })
})

test.each([
  ['are used', {}, {}, undefined, { clientId: 'id', clientSecret: 'secret' }],
  ['come before the config file', {}, { HASTY_CONFIG }, undefined, { clientId: 'id', clientSecret: 'secret' }],
  ['come after HASTY_TOKEN', {}, { HASTY_TOKEN: 'of-env' }, 'of-env', undefined],
  ['come after a token file', { tokenFile }, {}, 'of-flag', undefined],
  ['are none by half', {}, { HASTY_CLIENT_SECRET: '' }, undefined, undefined],
])('client credentials %s', (_, flags, env, token, credentials) => {
  const both = { HASTY_CLIENT_ID: 'id', HASTY_CLIENT_SECRET: 'secret' }
  const settings = readSettings(flags, { XDG_CONFIG_HOME: join(dir, 'none'), ...both, ...env })
  expect({ token: settings.token, credentials: settings.credentials }).toEqual({ token, credentials })
})

test("the file's token goes to the file's address alone", () => {
  expect(readSettings({}, { HASTY_CONFIG, HASTY_URL: 'http://elsewhere' }).token).toBeUndefined()
  expect(readSettings({ url: 'https://file.example' }, { HASTY_CONFIG }).token).toBe('of-file')
})

test.each([
  ['is not there', join(dir, 'missing'), 'cannot be read'],
  ['is no JSON', fileWith('a', 'url'), 'not valid JSON'],
  ['is no object', fileWith('b', '1'), 'must be a JSON object'],
  ['has another member', fileWith('c', '{"port": 1}'), 'unknown member "port"'],
  ['has no text', fileWith('d', '{"url": 1}'), '"url" must be a string'],
])('a config file that %s is refused with a sentence', (_, path, sentence) => {
  expect(() => readSettings({}, { HASTY_CONFIG: path })).toThrow(sentence)
})

test('the config file is where such files are', () => {
  expect(configPath({ XDG_CONFIG_HOME: '/x' })).toBe('/x/hasty/config.json')
  expect(configPath({})).toMatch(/\/\.config\/hasty\/config\.json$/)
})
