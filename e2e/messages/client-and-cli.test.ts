import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deadMessageSubject } from '#shared/contracts/log/subjects.ts'
import { Hasty as Client } from '../../client/index.ts'
import { type CliResult, runCli } from '../cli/run-cli.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { connectTest } from '../support/read-log.ts'
import { storedMessages } from './stored-messages.ts'

let hasty: Hasty
let client: Client
beforeAll(async () => {
  hasty = await startInProcess({ jobs: 0 })
  client = new Client({ url: hasty.url })
})
afterAll(() => hasty.stop())

const cli = (args: string[], stdin = ''): Promise<CliResult> => runCli(hasty.url, ['messages', ...args], { stdin })
const START_MS = Date.parse('2026-11-22T18:00:00Z')
const messagesOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    timestamp: new Date(START_MS + n * 250).toISOString(),
    value: `${prefix}-${n}`,
  }))
const countOf = async (prefix: string) => {
  const values = (await storedMessages(hasty.nats.url)).map(({ value }) => String(value))
  const own = values.filter((value) => value.startsWith(`${prefix}-`))
  expect(new Set(own).size).toBe(own.length)
  return own.length
}
const toLines = (messages: unknown[]) => messages.map((message) => JSON.stringify(message)).join('\n')

async function die(shard: number, seq: number): Promise<void> {
  const nc = await connectTest(hasty.nats.url)
  const dead = { timestamp: '2026-11-22T18:00:00Z', value: `dead-${seq}`, error: 'no', attempts: 5, died_at: 'now' }
  await nc.request(deadMessageSubject(shard, seq), JSON.stringify(dead))
  await nc.close()
}

test('the library sends messages, a Date as their time too, and puts dead ones back', async () => {
  const own = { timestamp: new Date(START_MS), value: 'library-x' }
  expect(await client.sendMessages([own, ...messagesOf('library', 9)])).toEqual({ accepted: 10 })
  expect(await countOf('library')).toBe(10)
  await expect(client.sendMessages([{ timestamp: 'x' }])).rejects.toMatchObject({ code: 'invalid-request' })
  expect((await client.messageWorkers()).shards).toHaveLength(4)
  for (let seq = 1; seq <= 5; seq++) await die(1, seq)
  const seqs: number[] = []
  for await (const { seq } of client.deadMessages({ limit: 2 })) seqs.push(seq)
  expect(seqs).toEqual([1, 2, 3, 4, 5])
  expect(await client.redriveMessages({ limit: 3 })).toMatchObject({ redriven: 3, is_more: true })
  expect(await client.redriveMessages()).toMatchObject({ redriven: 2, is_more: false })
  expect(await countOf('dead')).toBe(5)
})

test('hasty messages send sends a file of any size, and the same once under one key', async () => {
  const file = join(hasty.dir, 'messages.json')
  await writeFile(file, JSON.stringify(messagesOf('file', 25_000)))
  const sent = await cli(['send', file, '--idempotency-key', 'this file'])
  expect(sent).toMatchObject({ code: 0, stdout: '25000 messages accepted\n', stderr: '' })
  expect((await cli(['send', file, '--idempotency-key', 'this file'])).code).toBe(0)
  expect(await countOf('file')).toBe(25_000)
  const lines = await runCli(hasty.url, ['--json', 'message', 'send', '-'], { stdin: toLines(messagesOf('lines', 3)) })
  expect(lines).toMatchObject({ code: 0, stdout: '{"accepted":3}\n' })
  expect(await countOf('lines')).toBe(3)
})

test('hasty messages send says what is wrong, and how much was sent before', async () => {
  const bad = [...messagesOf('some', 10_000), { timestamp: 'x' }]
  const refused = await cli(['send', '-'], toLines(bad))
  expect(refused).toMatchObject({ code: 2, stdout: '' })
  expect(refused.stderr).toContain('10000 messages were accepted; message 10001 and later ones were not.\n')
  expect(refused.stderr).toContain('/0/timestamp')
  expect(await cli(['send', '-'], '{}\n{')).toMatchObject({
    code: 2,
    stderr: 'hasty: Line 2 is not valid JSON (line 2, column 2: it ends too soon); nothing was sent.\n',
  })
  expect(await cli(['send', '-'], ' \n')).toMatchObject({ code: 2 })
  expect(await cli(['send', '/nonexistent'])).toMatchObject({ code: 2 })
})

test('hasty messages workers, dead and redrive show and do what they say', async () => {
  const workers = await cli(['workers'])
  expect(workers.code).toBe(0)
  expect(workers.stdout).toMatch(/^WORKER .*\n\nSHARD +REPLICA +WAITING .*\n0 +- +\d+ +0 +0\n/)
  expect(await cli(['dead'])).toMatchObject({ code: 0, stdout: '', stderr: 'There are no dead messages.\n' })
  for (let seq = 11; seq <= 13; seq++) await die(2, seq)
  const dead = await cli(['dead', '--limit', '2'])
  expect(dead.stdout.split('\n')).toHaveLength(4)
  expect(dead.stdout).toMatch(/\n2 +11 +2026-11-22T18:00:00Z +now +5 +no\n/)
  expect(await cli(['redrive', '--shard', '1'])).toMatchObject({ code: 0, stdout: '0 messages redriven\n' })
  expect(await cli(['redrive'])).toMatchObject({ code: 0, stdout: '3 messages redriven\n' })
})
