import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSettings } from './configuration.ts'
import { describeSetting } from './describe-setting.ts'
import { READERS, settingNames } from './readers.ts'

const root = join(import.meta.dirname, '../..')

test('docs/configuration.md says what the schemas say (npm run describe-settings writes it)', async () => {
  expect(await readFile(join(root, 'docs/configuration.md'), 'utf8')).toBe(describeSettings())
})

test('every service with settings is on the page', () => {
  const services = globSync('services/*/config.ts', { cwd: root }).map((file) => file.split('/')[1])
  expect(Object.keys(READERS)).toEqual(expect.arrayContaining(services))
})

test('every setting is described where it is declared', () => {
  const declared = Object.entries(READERS).flatMap(([reader, shape]) =>
    Object.entries(shape).map(([name, schema]) => ({
      reader,
      name,
      note: (schema as { description?: string }).description,
    })),
  )
  expect(declared.filter(({ note = '' }) => !/^[A-Z`].*\.$/.test(note))).toEqual([])
  expect(new Set(declared.map(({ name }) => name))).toEqual(new Set(settingNames()))
})

test('an item tells the default, the range, what it means to people, and where readers differ', () => {
  expect(describeSetting('HOUSEKEEPING_MS')).toContain('(default 60000 = 1 min; 100 to 2147483647 = 24.8 d)')
  expect(describeSetting('LOG_MAX_BYTES')).toContain('(default 8589934592 = 8 GiB; 1 or more)')
  expect(describeSetting('PORT')).toContain('job and ingest: default 0')
})
