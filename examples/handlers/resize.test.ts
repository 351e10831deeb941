import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from 'hasty/handler'
import { handler } from './resize.ts'

const context = {
  progress() {},
  fail(message) {
    throw new Error(message)
  },
} as Partial<Context> as Context

test('the height follows from the width', async () => {
  const payload = handler.schema.parse({ width: 200 })
  assert.deepEqual(await handler.run(payload, context), { width: 200, height: 150 })
})

test('a picture that is too wide is refused', async () => {
  await assert.rejects(handler.run({ width: 20_000, square: false }, context), { message: 'too wide' })
})
