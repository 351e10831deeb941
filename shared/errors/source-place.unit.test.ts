import { expect, test } from 'vitest'
import { framesOf, placeAbove } from './source-place.ts'

test('a mark under the code is the column', () => {
  const stack = `file:///jobs/a%20b.mjs:2
const = 1
      ^

SyntaxError: Unexpected token '='
    at compileSourceTextModule (node:internal/modules/esm/utils:346:16)`
  expect(placeAbove(stack)).toEqual({ file: '/jobs/a b.mjs', line: 2, column: 7 })
  const types =
    '/jobs/size.ts:2\n// Sizes.\n  enum Size { Small }\n  ^^^^^^^^^\n\nSyntaxError [X]: no enum\n    at parse (node:x:1:2)'
  expect(placeAbove(types)).toEqual({ file: '/jobs/size.ts', line: 2, column: 3 })
})

test('without a mark there is a line alone', () => {
  expect(placeAbove('/jobs/size.ts:3\n\nSyntaxError [X]: no')).toEqual({ file: '/jobs/size.ts', line: 3, column: null })
})

test('an error without a place above it has none', () => {
  expect(placeAbove('Error: no DATABASE_URL\n    at file:///jobs/mail.ts:3:9')).toBeNull()
})

test('frames are those of the modules, up to the one that loaded them', () => {
  const stack = `Error: no DATABASE_URL
    at connect (file:///jobs/lib/db.ts:10:11)
    at file:///jobs/mail.ts:3:9
    at ModuleJob.run (node:internal/modules/esm/module_job:430:25)
    at async load (file:///hasty/import-module.ts:20:5)
    at async file:///hasty/setup.ts:9:3`
  expect(framesOf(stack, ['/hasty/import-module.ts'])).toEqual([
    { name: 'connect', file: '/jobs/lib/db.ts', line: 10, column: 11 },
    { name: null, file: '/jobs/mail.ts', line: 3, column: 9 },
  ])
})
