// From POST /message to a file: how many messages a second, beside a loop that only writes the same batches to files,
// and how long one message takes. `node bench/messages.ts` (Node 24).
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { MessageWorkers } from '#shared/contracts/http/messages.ts'
import { startHasty } from '../e2e/support/hasty.ts'

const COUNT = Number(process.env['HASTY_COUNT'] ?? 20_000)
const RATE = Number(process.env['HASTY_RATE'] ?? 500)
const SECONDS = 10
const BATCH = 5
const A_POST = 1_000
const SYNC = process.env['HASTY_SYNC'] === 'always' ? 'always' : '10ms'

await using hasty = await startHasty({
  jobs: 0,
  ingests: 1,
  natsSync: SYNC,
  env: { LOG_LEVEL: 'warn', NATS_GROUP_COMMIT: String(SYNC === 'always') },
})
const output = join(hasty.dataDir, 'messages')
const say = (text: string) => process.stdout.write(`${text}\n`)
const perSecond = (count: number, startedMs: number) => Math.round(count / ((performance.now() - startedMs) / 1000))

let sent = 0
const timestampOf = (second: number) => new Date(Date.UTC(2026, 10, 22) + second * 1_000).toISOString()

async function send(messages: { timestamp: string; value: string }[]): Promise<void> {
  sent += messages.length
  const response = await fetch(`${hasty.url}/message`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(messages),
  })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
}

async function untilProcessed(count: number): Promise<void> {
  for (;;) {
    const workers = (await (await fetch(`${hasty.url}/v1/message/workers`)).json()) as MessageWorkers
    if (workers.messages_total >= count) return
    await pause(10)
  }
}

async function filesOf(): Promise<string[]> {
  const folders = await readdir(output)
  const names = await Promise.all(folders.map((folder) => readdir(join(output, folder))))
  return folders.flatMap((folder, i) => (names[i] ?? []).map((name) => join(output, folder, name)))
}

/** Writes the same texts to as many files, each synced and renamed, its folder synced. */
async function plainLoop(texts: string[], atOnce: number): Promise<number> {
  const dir = await mkdtemp(join(hasty.dir, 'plain-'))
  await mkdir(join(dir, 'out'))
  const startedMs = performance.now()
  let next = 0
  const write = async () => {
    for (let n = next++; n < texts.length; n = next++) {
      const temporary = join(dir, 'out', `.${n}`)
      const file = await open(temporary, 'w')
      await file.writeFile(texts[n] ?? '')
      await file.sync()
      await file.close()
      await rename(temporary, join(dir, 'out', String(n)))
      const folder = await open(join(dir, 'out'), 'r')
      await folder.sync()
      await folder.close()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, write))
  const rate = perSecond(texts.length * BATCH, startedMs)
  await rm(dir, { recursive: true })
  return rate
}

// Warm-up.
const many = () =>
  Array.from({ length: A_POST }, (_, n) => ({ timestamp: timestampOf(sent + n), value: 'x'.repeat(20) }))
await send(many())
await untilProcessed(sent)

const startedMs = performance.now()
for (let n = 0; n < COUNT; n += 4 * A_POST) {
  await Promise.all([0, 1, 2, 3].map(() => send(many())))
}
const accepted = perSecond(COUNT, startedMs)
await untilProcessed(sent)
say(`POST to file, broker sync ${SYNC}: ${perSecond(COUNT, startedMs)} messages/s (accepted: ${accepted}/s)`)

const texts = await Promise.all((await filesOf()).slice(0, COUNT / BATCH).map((path) => readFile(path, 'utf8')))
say(`a plain loop writing the same files, one at a time: ${await plainLoop(texts, 1)} messages/s`)
say(`the same, 12 at a time: ${await plainLoop(texts, 12)} messages/s`)

const before = new Set(await filesOf())
const beganMs = performance.now()
const posts: Promise<void>[] = []
for (let n = 0; n < (RATE * SECONDS) / BATCH; n++) {
  await pause(Math.max(0, beganMs + (n * BATCH * 1_000) / RATE - performance.now()))
  // All of one moment, and so of one shard: a full batch, which waits for no other messages.
  posts.push(send(Array.from({ length: BATCH }, () => ({ timestamp: timestampOf(n), value: String(Date.now()) }))))
}
await Promise.all(posts)
await untilProcessed(sent)
const latencies: number[] = []
for (const path of (await filesOf()).filter((name) => !before.has(name))) {
  // The time of the rename, which made the file visible.
  const { ctimeMs } = await stat(path)
  for (const line of (await readFile(path, 'utf8')).trim().split('\n')) {
    latencies.push(ctimeMs - Number((JSON.parse(line) as { value: string }).value))
  }
}
latencies.sort((a, b) => a - b)
const at = (share: number) => Math.round(latencies[Math.floor(latencies.length * share)] ?? Number.NaN)
say(`POST of a whole batch to its file, at ${RATE} messages/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
