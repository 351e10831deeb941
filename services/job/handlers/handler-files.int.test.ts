import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readJobConfig } from '../config.ts'
import { loadHandlers } from './load-handlers.ts'

async function folderOf(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), 'hasty-handlers-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const handler = (type: string) => `export const handler = { type: '${type}', run() {} }`

async function load(path: string) {
  const warnings: unknown[] = []
  const config = readJobConfig({ HANDLERS_DIR: path })
  const builtIn = await loadHandlers(readJobConfig({}))
  const all = await loadHandlers(config, { log: { warn: (...warning: unknown[]) => void warnings.push(warning) } })
  return { types: [...all.keys()].filter((type) => !builtIn.has(type)), warnings }
}

test('handlers are .ts, .mts, .js and .mjs, as a module or as CommonJS', async () => {
  await using folder = await folderOf({
    'a.js': handler('a'),
    'b.mts': `${handler('b')} satisfies object`,
    'c.mjs': handler('c'),
    'd.ts': `${handler('d')} as object`,
    'e.js': "exports.handler = { type: 'e', run() {} }",
  })
  expect(await load(folder.path)).toEqual({ types: ['a', 'b', 'c', 'd', 'e'], warnings: [] })
})

test('what looks like code and is not loaded is named, once; what is meant for others is not', async () => {
  await using folder = await folderOf({
    'README.md': '',
    'package.json': '{}',
    'types.d.ts': '',
    'a.test.ts': 'throw new Error()',
    '.eslintrc.js': 'module.exports = {}',
    '._a.ts': '\0',
    '_helper.ts': 'throw new Error()',
    '_helper.py': '',
    'a.ts': handler('a'),
    'a.js': 'throw new Error("made from a.ts")',
    'b.cjs': '',
    'c.cts': '',
    'd.py': '',
    'E.TS': '',
    'f.jsx': '',
  })
  await mkdir(join(folder.path, 'shared.js'))
  const { types, warnings } = await load(folder.path)
  expect(types).toEqual(['a'])
  const ends = '(handlers end in .ts, .mts, .js, .mjs)'
  const files = [
    `E.TS ${ends}`,
    'a.js (a.ts is loaded instead)',
    ...['b.cjs', 'c.cts', 'd.py', 'f.jsx'].map((name) => `${name} ${ends}`),
  ]
  expect(warnings).toEqual([[{ files }, 'files of HANDLERS_DIR are not loaded']])
})
