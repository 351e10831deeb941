import { expect, test } from 'vitest'
import type { CreateOptions } from '../handlers/handler-types.ts'
import { createVerb, type MakeRequest } from './make-request.ts'

/** What `create` asks for. */
async function asked(...given: [name: unknown, type: unknown, payload?: unknown, options?: unknown]) {
  const requests: MakeRequest[] = []
  const create = createVerb('parent', (request) => Promise.resolve(`job-${requests.push(request)}`))
  const [name, type, payload, options] = given
  expect(await create(name as string, type as string, payload, options as CreateOptions)).toEqual({ jobId: 'job-1' })
  return requests[0]
}

test('the options are those of a job of a caller, and the object_id has a default', async () => {
  expect(await asked('a', 'mail')).toEqual({
    name: 'a',
    body: { object_id: 'child:parent:a', type: 'mail', priority: 'normal' },
  })
  const runAt = new Date('2027-01-01T00:00:00Z')
  const options = {
    objectId: 'o',
    priority: 'high',
    tags: ['t'],
    runAt,
    timeoutMs: 5,
    attempts: 2,
    backoff: { baseMs: 7 },
  }
  expect(await asked('a', 'mail', { to: 'me' }, { ...options, callbackUrl: 'https://x.example' })).toMatchObject({
    body: {
      object_id: 'o',
      payload: { to: 'me' },
      priority: 'high',
      tags: ['t'],
      run_at: '2027-01-01T00:00:00.000Z',
      timeout_ms: 5,
      attempts: 2,
      backoff: { base_ms: 7 },
      callback_url: 'https://x.example',
    },
  })
})

test('the payload is a copy', async () => {
  const payload = { list: [1] }
  const request = await asked('a', 'mail', payload)
  payload.list.push(2)
  expect(request?.body.payload).toEqual({ list: [1] })
})

const circular: Record<string, unknown> = {}
circular['itself'] = circular

test.each<[string, Parameters<typeof asked>, string]>([
  ['no name', ['', 'mail'], 'create("", "mail"): name: must have at least 1 character'],
  ['a number as the name', [5, 'mail'], 'create("5", "mail"): name: must be a string'],
  ['a name that is too long', ['x'.repeat(101), 'mail'], 'name: must have at most 100 characters'],
  ['half a character', ['\ud800', 'mail'], 'name: has half a character'],
  ['no type', ['a', undefined], 'type: must be a string'],
  ['an option that nobody knows', ['a', 'mail', {}, { delay: 5 }], 'options: Unrecognized key: "delay"'],
  ['a delay that is none', ['a', 'mail', {}, { delayMs: -1 }], 'delay_ms: must be at least 0'],
  ['a date that is none', ['a', 'mail', {}, { runAt: new Date(Number.NaN) }], 'run_at: '],
  ['a payload that is no JSON', ['a', 'mail', circular], 'the payload is no JSON: '],
  ['a payload that is too large', ['a', 'mail', 'x'.repeat(2 ** 20)], 'the limit is 1048576'],
])('%s is refused for good', async (_, given, message) => {
  const error: unknown = await asked(...given).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'PermanentError', message: expect.stringContaining(message) as string })
})
