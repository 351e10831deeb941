import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BatchResult } from '#shared/contracts/http/job-batch.ts'
import { runCli } from '../cli/run-cli.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

// A whole number that JSON.parse would change is refused at every route, with its position.

const LONG = '1970670598291982290'
const JSON_BODY = 'application/json'
const NDJSON = 'application/x-ndjson'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ workflows: 1, env: { COOLDOWN_MS: '0' } })
})
afterAll(() => hasty.stop())

async function send(method: string, path: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(hasty.url + path, { method, headers: { 'content-type': JSON_BODY, ...headers }, body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const job = (number: string) => `{"object_id":"n","type":"task","payload":{"data":{"id":${number}},"ms":1}}`
const STEPS = `[{"name":"a","jobs":[{"name":"x","type":"task","payload":{"data":${LONG}}}]}]`

test.each([
  ['POST', '/', job(LONG), '/payload/data/id'],
  ['POST', '/v1/jobs', job(LONG), '/payload/data/id'],
  ['POST', '/v1/jobs', job('9007199254740993'), '/payload/data/id'],
  ['POST', '/v1/jobs', job('-1e400'), '/payload/data/id'],
  ['POST', '/v1/jobs/batch', `[${job('1')},${job(LONG)}]`, '/1/payload/data/id'],
  ['POST', '/message', `[{"timestamp":1},{"timestamp":${LONG}}]`, '/1/timestamp'],
  ['PUT', '/v1/schedules/s', `{"every_ms":1000,"job":${job(LONG)}}`, '/job/payload/data/id'],
  ['PUT', '/v1/definitions/d', `{"steps":${STEPS}}`, '/steps/0/jobs/0/payload/data'],
  ['POST', '/v1/requests', `{"steps":${STEPS}}`, '/steps/0/jobs/0/payload/data'],
])('%s %s %s', async (method, path, body, pointer) => {
  const answer = await send(method, path, body)
  expect(answer).toMatchObject({ status: 400, body: { code: 'number-out-of-range', errors: [{ pointer }] } })
  expect(answer.body['detail']).toContain(pointer)
  expect(answer.body['detail']).toContain('send it as ')
})

test('a line of a batch is refused for itself, a line of messages with all of them', async () => {
  const batch = await send('POST', '/v1/jobs/batch', `${job('1')}\r\n${job(LONG)}`, { 'content-type': NDJSON })
  expect(batch.status).toBe(200)
  expect((batch.body as unknown as BatchResult).items).toMatchObject([
    { status: 201 },
    { status: 400, error: { code: 'number-out-of-range', errors: [{ pointer: '/payload/data/id' }] } },
  ])
  const lines = `\ufeff{"timestamp":1}\r\n\r\n{"timestamp":${LONG}}`
  expect(await send('POST', '/message', lines, { 'content-type': NDJSON })).toMatchObject({
    status: 400,
    body: { code: 'number-out-of-range', errors: [{ pointer: '/1/timestamp' }] },
  })
})

test('two bodies that differ only there are not the same under a key, and what is kept comes back as it was', async () => {
  const key = { 'idempotency-key': 'numbers' }
  expect(await send('POST', '/v1/jobs', job('9007199254740993'), key)).toMatchObject({ status: 400 })
  const made = await send('POST', '/v1/jobs', job('9007199254740992'), key)
  expect(made.status).toBe(201)
  expect(await send('POST', '/v1/jobs', job('9007199254740993'), key)).toMatchObject({ status: 400 })
  const response = await fetch(`${hasty.url}/v1/jobs/${String(made.body['job_id'])}`)
  expect(await response.text()).toContain('"id":9007199254740992')
})

test('the command line refuses it before it is sent, also from a file and from stdin', async () => {
  const payload = `{"data":${LONG}}`
  const line = await runCli(hasty.url, ['create', 'task', payload])
  const stdin = await runCli(hasty.url, ['create', 'task', '--payload-file', '-'], { stdin: `\ufeff${payload}\r\n` })
  const messages = await runCli(hasty.url, ['message', 'send', '-'], {
    stdin: `{"timestamp":1}\r\n{"timestamp":${LONG}}`,
  })
  for (const { code, stdout, stderr } of [line, stdin, messages]) {
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('number-out-of-range')
    expect(stderr).toContain(LONG)
  }
})

test('files with a byte order mark, with CRLF and without a last line end are read as they were meant', async () => {
  const good = { code: 0, stderr: '' }
  const object = '\ufeff{"data":7,"ms":1}\r\n'
  expect(await runCli(hasty.url, ['create', 'task', '--payload-file', '-'], { stdin: object })).toMatchObject(good)
  const one = '{"timestamp":"2026-11-22T18:00:00Z"}'
  for (const stdin of [`\ufeff${one}\r\n\r\n${one}`, `\ufeff[${one},${one}]\r\n`])
    expect(await runCli(hasty.url, ['message', 'send', '-'], { stdin })).toMatchObject({
      ...good,
      stdout: '2 messages accepted\n',
    })
})
