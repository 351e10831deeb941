import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const CHECK = join(import.meta.dirname, '../../services/job/check-settings.ts')

/** What the job service says of a folder that has nothing above it; `#` stands for the folder. */
async function check(files: Record<string, string>): Promise<{ code: number; said: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'hasty-handlers-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    return await new Promise((resolve) => {
      const env = { ...process.env, HANDLERS_DIR: folder }
      const child = execFile(process.execPath, [CHECK], { env }, (_error, _stdout, stderr) => {
        const said = stderr.replaceAll(folder, '#').trimEnd()
        resolve({ code: child.exitCode ?? -1, said: said === '' ? [] : said.split('\n') })
      })
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('zod and the types are found where no package is, a helper beside is none, and a package in the folder is found', async () => {
  const good = {
    '_own.ts': `import { z } from 'zod'\nexport const payload = z.object({ width: z.number() })`,
    'a.ts': `import type { Handler } from 'hasty/handler'
      import { shape } from 'shapes'
      import { payload } from './_own.ts'
      export const handler = { type: shape, schema: payload, run: () => 1 } satisfies Handler<typeof payload>`,
    'b.js': `const { z } = require('zod/v4')\nexports.handler = { type: 'b', schema: z.string(), run() {} }`,
    'node_modules/shapes/package.json': '{ "name": "shapes", "main": "index.js" }',
    'node_modules/shapes/index.js': `exports.shape = 'square'`,
  }
  expect(await check(good)).toEqual({ code: 0, said: [] })
})

test('what cannot be loaded is told with its place, and with the calls that led there', async () => {
  const bad = {
    'a-syntax.ts': `export const handler = {\n  type: 'a',\n  run() { return 1 +  }\n}\n`,
    'b-enum.ts': `// A comment.\nenum Size { Small }\nexport const handler = { type: 'b', run: () => Size.Small }\n`,
    'c-script.mjs': `export const handler = {\n  type: 'c' 'd',\n}\n`,
    'd-thrown.ts': `import { connect } from './lib/db.ts'\n\nconst db = connect()\nexport const handler = { type: 'd', run: () => db }`,
    'e-here.ts': `const url = process.env.NO_URL\nif (url === undefined) throw new Error('no DATABASE_URL')\n`,
    'f-export.ts': `import { nothing } from './lib/db.ts'\nexport const handler = { type: nothing, run: () => 1 }`,
    'g-missing.ts': `import slugify from 'slugify'\nexport const handler = { type: slugify('g'), run: () => 1 }`,
    'h-below.ts': `import { broken } from './lib/broken.mjs'\nexport const handler = { type: broken, run: () => 1 }`,
    'i-old.ts': `export const handler = { type: 'i', schema: { _def: {}, parse() {} }, run: () => 1 }`,
    'lib/db.ts': `export function connect() {\n  throw new TypeError('no DATABASE_URL')\n}`,
    'lib/broken.mjs': `export const broken = 1\nconst = 2\n`,
  }
  const { code, said } = await check(bad)
  expect(code).toBe(2)
  const [headline, ...lines] = said
  expect(headline).toBe('These handlers cannot be loaded:')
  expect(lines).toEqual([
    expect.stringMatching(/^ {2}#\/a-syntax\.ts:3:\d+: Expression expected/),
    expect.stringMatching(/^ {2}#\/b-enum\.ts:2:1: .*enum/i),
    expect.stringMatching(/^ {2}#\/c-script\.mjs:2:13: Unexpected string/),
    '  #/d-thrown.ts: #/lib/db.ts:2:9: no DATABASE_URL',
    '      at connect (#/lib/db.ts:2:9)',
    '      at #/d-thrown.ts:3:12',
    '  #/e-here.ts:2:30: no DATABASE_URL',
    expect.stringMatching(/^ {2}#\/f-export\.ts:1:10: .*does not provide an export named 'nothing'/),
    expect.stringMatching(/^ {2}#\/g-missing\.ts: Cannot find package 'slugify' imported from #\/g-missing\.ts/),
    expect.stringMatching(/^ {2}#\/h-below\.ts: #\/lib\/broken\.mjs:2:7: /),
    expect.stringMatching(/^ {2}#\/i-old\.ts: schema: must be made by zod 4 /),
  ])
})
