import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { type ApiAnswer, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { connectTest } from '../support/read-log.ts'
import { type StoredEntry, storedMessages, streamState } from './stored-messages.ts'

let hasty: Hasty
let writer: Record<string, string>

beforeAll(async () => {
  const auth = { AUTH: 'required', JWT_SECRET: SECRET }
  hasty = await startInProcess({ apis: 2, jobs: 0, nginx: true, apiEnv: auth })
  writer = bearer(await tokenOf('writer', { claims: { scope: 'jobs:write' } }))
})
afterAll(() => hasty.stop())

async function send(body: string | Buffer, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  const all = { 'content-type': 'application/json', ...writer, ...headers }
  const response = await fetch(`${hasty.url}/message`, { method: 'POST', headers: all, body })
  return { status: response.status, headers: response.headers, body: (await response.json()) as ApiAnswer['body'] }
}
const post = (messages: unknown, headers?: Record<string, string>) => send(JSON.stringify(messages), headers)
const NDJSON = { 'content-type': 'application/x-ndjson' }

const START_MS = Date.parse('2026-11-22T18:00:00Z')
const messagesOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    timestamp: new Date(START_MS + n * 1_000).toISOString(),
    value: `${prefix}-${n}`,
  }))
const storedOf = async (prefix: string) =>
  (await storedMessages(hasty.nats.url)).filter(
    (entry): entry is StoredEntry & { value: string } =>
      typeof entry.value === 'string' && entry.value.startsWith(`${prefix}-`),
  )
const numbersOf = (stored: { value: string }[]) =>
  stored.map(({ value }) => Number(value.split('-').at(-1))).toSorted((a, b) => a - b)
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

test('messages are in the stream when they are accepted, each as it was sent and in the order of the sender', async () => {
  const odd = { timestamp: '2026-11-22t23:30:00.123456+05:30', value: 'as-0 \u0000 "ü" 💡' }
  const answer = await post([odd, { timestamp: '0001-01-01T00:00:00Z', value: 'as-1' }, ...messagesOf('as', 98)])
  expect(answer).toMatchObject({ status: 201, body: { accepted: 100 } })
  expect(answer.headers.get('idempotency-replayed')).toBeNull()
  const stored = await storedOf('as')
  expect(stored).toHaveLength(100)
  expect(stored).toEqual(expect.arrayContaining([expect.objectContaining(odd)]))
  for (const shard of upTo(4)) {
    const numbers = stored.filter((entry) => entry.shard === shard && entry.seq > (stored[1]?.seq ?? 0))
    expect(numbers.length).toBeGreaterThan(5)
    expect(numbers.map(({ timestamp }) => timestamp)).toEqual(numbers.map(({ timestamp }) => timestamp).toSorted())
  }
})

test('a message without a value is one with null', async () => {
  const timestamp = '2026-11-22T18:00:00.777Z'
  expect((await post([{ timestamp }])).status).toBe(201)
  const stored = (await storedMessages(hasty.nats.url)).filter((entry) => entry.timestamp === timestamp)
  expect(stored).toMatchObject([{ value: null }])
})

test('a value is any JSON value, and messages of one key are in one shard, in their order, whatever their time', async () => {
  const values = [21.5, -0.1, true, { celsius: 21.5, at: ['roof', null] }, [], '', null]
  const timeOf = (n: number) => new Date(START_MS + n * 77_777_777).toISOString()
  const messages = ['device-1', 'device-2', 'ü', 'x'.repeat(512)].flatMap((key, k) =>
    values.map((value, n) => ({ timestamp: timeOf(k * values.length + n), value, key })),
  )
  expect(await post(messages)).toMatchObject({ status: 201, body: { accepted: messages.length } })
  const stored = (await storedMessages(hasty.nats.url)).filter(({ key }) => key !== undefined)
  for (const [, ofKey] of Map.groupBy(stored, ({ key }) => key)) {
    expect(new Set(ofKey.map(({ shard }) => shard)).size).toBe(1)
    expect(ofKey.toSorted((a, b) => a.seq - b.seq).map(({ value }) => value)).toEqual(values)
  }
  expect(new Set(stored.map(({ key }) => key)).size).toBe(4)
})

test('lines of JSON are the same as an array', async () => {
  const lines = messagesOf('line', 3).map((message) => JSON.stringify(message))
  const answer = await send(`${lines.join('\r\n\n')}\n`, NDJSON)
  expect(answer).toMatchObject({ status: 201, body: { accepted: 3 } })
  expect(numbersOf(await storedOf('line'))).toEqual([0, 1, 2])
})

test('10,000 messages are accepted at once, each of them once', async () => {
  expect(await post(messagesOf('many', 10_000))).toMatchObject({ status: 201, body: { accepted: 10_000 } })
  expect(numbersOf(await storedOf('many'))).toEqual(upTo(10_000))
})

test('a body may have 8 MiB', async () => {
  const messages = Array.from({ length: 127 }, (_, n) => ({
    ...messagesOf('large', 1)[0],
    value: `large-${n}-${'x'.repeat(65_000)}`,
  }))
  expect(await post(messages)).toMatchObject({ status: 201, body: { accepted: 127 } })
})

describe('nothing is stored of', () => {
  const good = messagesOf('bad', 3)
  const timestamp = '2026-11-22T18:00:00Z'
  const cases: [string, string | Buffer, number, string, Record<string, string>?][] = [
    ['no array', JSON.stringify(good[0]), 400, 'invalid-request'],
    ['an empty array', '[]', 400, 'invalid-request'],
    ['null', 'null', 400, 'invalid-request'],
    ['no body', '', 400, 'invalid-request'],
    ['10,001 messages', JSON.stringify(messagesOf('bad', 10_001)), 413, 'payload-too-large'],
    ['10,001 lines', '{}\n'.repeat(10_001), 413, 'payload-too-large', NDJSON],
    ['9 MiB', JSON.stringify([{ timestamp, value: 'x'.repeat(9 * 1024 * 1024) }]), 413, 'payload-too-large'],
    ['what is no JSON', '[{"timestamp":', 400, 'malformed-json'],
    ['no UTF-8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), 400, 'invalid-unicode'],
    ['half a surrogate pair', `[{"timestamp":"${timestamp}","value":"\\ud800"}]`, 400, 'invalid-unicode'],
    ['a number beyond a double', `[{"timestamp":1e400}]`, 400, 'number-out-of-range'],
    [
      'a member that stands twice',
      `[{"timestamp":"${timestamp}","timestamp":"${timestamp}"}]`,
      400,
      'duplicate-member',
    ],
    ['an unknown member', JSON.stringify([{ timestamp, valeu: 'x' }]), 400, 'unknown-member'],
    ['text', 'x', 415, 'unsupported-media-type', { 'content-type': 'text/plain' }],
    ['a compressed body', '[]', 415, 'unsupported-media-type', { 'content-encoding': 'gzip' }],
    ['a bad Idempotency-Key', JSON.stringify(good), 400, 'invalid-header', { 'idempotency-key': 'ü' }],
  ]
  test.each(cases)('%s', async (_what, body, status, code, headers) => {
    const before = await streamState(hasty.nats.url)
    const answer = await send(body, headers)
    expect(answer).toMatchObject({ status, body: { code } })
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(await streamState(hasty.nats.url)).toEqual(before)
  })

  test.each([
    ['a timestamp that is no time', { timestamp: 'x' }, '/1/timestamp'],
    ['a timestamp without a zone', { timestamp: '2026-11-22T18:00:00' }, '/1/timestamp'],
    ['a day that there is not', { timestamp: '2026-02-29T18:00:00Z' }, '/1/timestamp'],
    ['-1', { timestamp: -1 }, '/1/timestamp'],
    ['2^53', { timestamp: 2 ** 53 }, '/1/timestamp'],
    ['no timestamp', { value: 'x' }, '/1/timestamp'],
    ['a value of 65,537 bytes as JSON', { timestamp, value: ['x'.repeat(65_533)] }, '/1/value'],
    ['an empty key', { timestamp, key: '' }, '/1/key'],
    ['a key of 513 bytes', { timestamp, key: `${'ü'.repeat(256)}x` }, '/1/key'],
    ['a key that is a number', { timestamp, key: 7 }, '/1/key'],
    ['a value of 65,537 bytes', { timestamp, value: `${'ü'.repeat(32_768)}x` }, '/1/value'],
    ['a message that is a string', 'x', '/1'],
    ['a message that is null', null, '/1'],
  ])('one bad message among good ones: %s', async (_what, bad, pointer) => {
    const before = await streamState(hasty.nats.url)
    const answer = await post([good[0], bad, good[1]])
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request', errors: [{ pointer }] } })
    expect(await streamState(hasty.nats.url)).toEqual(before)
  })

  test('30 bad ones of 100: the first 20 are named', async () => {
    const before = await streamState(hasty.nats.url)
    const messages = messagesOf('bad', 100).map((message, n) => (n >= 50 && n < 80 ? { value: 5, x: 1 } : message))
    const { status, body } = await post(messages)
    expect(status).toBe(400)
    expect(body['errors']).toEqual(
      upTo(20).map((n) => ({ pointer: `/${50 + n}/timestamp`, detail: expect.any(String) })),
    )
    expect(await streamState(hasty.nats.url)).toEqual(before)
  })

  test('lines of which two are bad: both are named', async () => {
    const before = await streamState(hasty.nats.url)
    const answer = await send(`${JSON.stringify(good[0])}\n{"timestamp":\n{"value":"x"}\n`, NDJSON)
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer: '/1' }, { pointer: '/2/timestamp' }] },
    })
    expect(await streamState(hasty.nats.url)).toEqual(before)
  })
})

test('a repeat under an Idempotency-Key stores nothing more, also in other words and at the same time', async () => {
  const messages = messagesOf('repeat', 20)
  const key = { 'idempotency-key': 'a key of mine' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(messages, key)))
  for (const answer of answers) expect(answer).toMatchObject({ status: 201, body: { accepted: 20 } })
  expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
  const lines = messages.map(({ timestamp, value }) => JSON.stringify({ value, timestamp })).join('\n')
  const again = await send(lines, { ...key, ...NDJSON })
  expect(again).toMatchObject({ status: 201, body: { accepted: 20 } })
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await post(messages.slice(1), key)).toMatchObject({ status: 422, body: { code: 'key-reused' } })
  expect(numbersOf(await storedOf('repeat'))).toEqual(upTo(20))
})

test('each tenant has keys of its own, and its name is with its messages', async () => {
  const messages = messagesOf('tenant', 1)
  for (const tenant of ['red', 'blue']) {
    const claims = { scope: 'jobs:write', tenant }
    const headers = { ...bearer(await tokenOf(tenant, { claims })), 'idempotency-key': 'shared' }
    expect((await post(messages, headers)).headers.get('idempotency-replayed')).toBeNull()
  }
  expect((await storedOf('tenant')).map(({ tenant }) => tenant)).toEqual(['red', 'blue'])
})

test('a request that nginx repeats is stored once', async () => {
  const messages = messagesOf('proxied', 5)
  const id = { 'hasty-request-id': '0123456789abcdef0123456789abcdef' }
  for (const api of hasty.api) {
    const headers = { 'content-type': 'application/json', ...writer, ...id }
    const response = await fetch(`${api.url}/message`, { method: 'POST', headers, body: JSON.stringify(messages) })
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ accepted: 5 })
  }
  expect(numbersOf(await storedOf('proxied'))).toEqual(upTo(5))
})

test('a token that may not make jobs may not send messages', async () => {
  const before = await streamState(hasty.nats.url)
  const reader = bearer(await tokenOf('reader', { claims: { scope: 'jobs:read' } }))
  expect(await post(messagesOf('scope', 1), reader)).toMatchObject({
    status: 403,
    body: { code: 'insufficient-scope' },
  })
  expect(await streamState(hasty.nats.url)).toEqual(before)
})

test('a stream that is full answers 503, and takes messages again when there is room', async () => {
  const nc = await connectTest(hasty.nats.url)
  const { streams } = await jetstreamManager(nc)
  const { config, state } = await streams.info(MESSAGES_STREAM)
  await streams.update(MESSAGES_STREAM, { max_bytes: state.bytes + 10_000 })
  const answer = await post(messagesOf('full', 1_000))
  expect(answer).toMatchObject({ status: 503, body: { code: 'cannot-store' } })
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(await storedOf('full')).toEqual([])
  await streams.update(MESSAGES_STREAM, { max_bytes: config.max_bytes })
  expect(await post(messagesOf('full', 1_000))).toMatchObject({ status: 201 })
  await nc.close()
})

test('beyond MESSAGES_MAX_BYTES messages are refused, while the broker still has room', async () => {
  await using full = await startInProcess({ jobs: 0, apiEnv: { MESSAGES_MAX_BYTES: '100' } })
  const sendTwo = () => postTo(`${full.url}/message`, messagesOf('beyond', 2))
  expect(await sendTwo()).toMatchObject({ status: 201 })
  await expect.poll(sendTwo, { timeout: 20_000 }).toMatchObject({ status: 503, body: { code: 'unavailable' } })
})

test('a broker that stalls makes messages wait up to a bound; beyond it they are refused at once', async () => {
  const large = (n: number) =>
    messagesOf(`stall-${n}`, 120).map((each) => ({ ...each, value: each.value.padEnd(60_000) }))
  const [api] = hasty.api
  const key = (n: number) => ({ 'content-type': 'application/json', ...writer, 'idempotency-key': `stall-${n}` })
  // Connected before: after some seconds the api notices that the broker does not answer at all, and then says that
  // instead.
  const bodies = Array.from({ length: 16 }, (_, n) => JSON.stringify(large(n)))
  await hasty.nats.kill('SIGSTOP')
  const answers = bodies.map((body, n) => fetch(`${api?.url}/message`, { method: 'POST', headers: key(n), body }))
  const refused = answers.map(async (answer) => {
    const { status, detail } = (await (await answer).json()) as { status?: number; detail?: string }
    if (status !== 503) throw new Error('not refused')
    return detail
  })
  expect(await Promise.any(refused)).toBe('Too many messages are waiting for the broker. Try again.')
  await hasty.nats.kill('SIGCONT')
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set([201, 503]))
})

test('while the broker is away messages are refused, and later ones are stored', async () => {
  const key = { 'idempotency-key': 'through-the-outage' }
  await hasty.nats.kill('SIGKILL')
  const answer = await post(messagesOf('away', 3), key)
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(answer.headers.get('retry-after')).toBe('1')
  await hasty.nats.restart()
  await expect.poll(async () => (await post(messagesOf('away', 3), key)).status, { timeout: 20_000 }).toBe(201)
  expect(numbersOf(await storedOf('away'))).toEqual([0, 1, 2])
})
