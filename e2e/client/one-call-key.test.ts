import { expect, test } from 'vitest'
import { ONE_CALL_KEY_PREFIX } from '#shared/contracts/http/jobs.ts'
import { oneCallKey } from '../../client/random-id.ts'

test('keys that the client makes are of the kind that the server forgets soon', () => {
  expect(oneCallKey()).toMatch(new RegExp(`^${ONE_CALL_KEY_PREFIX}[0-9a-f-]{36}$`))
  expect(oneCallKey()).not.toBe(oneCallKey())
})
