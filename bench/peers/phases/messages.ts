import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { waitUntil } from '../../../scripts/servers/wait-until.ts'
import { nowUs } from '../clock.mjs'
import type { RunningPeer } from '../running-peer.ts'
import { type Latency, type PhaseOptions, problemsOf, quantiles, secondsBetween, type Throughput } from './phase.ts'

// Hasty's messages, from their POST to the files of the ingest service in batches of five, beside a plain loop that
// writes and syncs the same files.

const BATCH = 5
const A_POST = 1_000
const POSTS_AT_ONCE = 4
const WARM_UP_POSTS = 2
const BATCHES_PER_S = 100
const STEADY_S = 10
/** The number of workers of the ingest service: four shards with at least three each. */
const WRITERS = 12

export interface MessageResults {
  /** Messages a second from the first POST until all are in files. */
  messages: Throughput
  /** The same while they were only accepted. */
  messagesAccepted: Throughput
  /** The plain loop, one file after the other, and several at once. */
  plainLoop: Throughput
  plainLoops: Throughput
  /** From the POST of a whole batch until its file is there, at 500 messages a second. */
  message: Latency
}

const PATH = '/message'
/** Messages of many moments, and so of all shards. */
const manyBody = JSON.stringify(
  Array.from({ length: A_POST }, (_, n) => ({
    timestamp: new Date(Date.UTC(2026, 10, 22) + n * 1_000).toISOString(),
    value: 'x'.repeat(20),
  })),
)
/** Five of one moment, and so of one shard: a full batch, which waits for no other messages. */
const batchBody = `[${Array(BATCH).fill('{"timestamp":"2026-11-22T00:00:00.$NZ","value":"$T"}').join()}]`

export async function messages(peer: RunningPeer, options: PhaseOptions): Promise<MessageResults> {
  const total = await processed(peer)
  await post(peer, WARM_UP_POSTS)
  await untilProcessed(peer, total + WARM_UP_POSTS * A_POST)

  const posts = Math.ceil(options.messages / A_POST)
  const count = posts * A_POST
  const meter = peer.meter()
  const load = await post(peer, posts)
  await untilProcessed(peer, total + (WARM_UP_POSTS + posts) * A_POST)
  const done = { count, problems: problemsOf(load), cpu: meter.end() }
  const files = await filesOf(peer)
  const texts = await Promise.all(files.slice(-count / BATCH).map((path) => readFile(path, 'utf8')))
  return {
    messages: { ...done, perS: count / secondsBetween(load.first_us, nowUs()) },
    messagesAccepted: { ...done, problems: [], perS: count / secondsBetween(load.first_us, load.last_us) },
    plainLoop: await plainLoop(peer, texts, 1),
    plainLoops: await plainLoop(peer, texts, WRITERS),
    message: await batchLatency(peer, new Set(files)),
  }
}

const post = (peer: RunningPeer, posts: number) =>
  peer.load({ path: PATH, body: manyBody }, '-c', POSTS_AT_ONCE, '-n', posts)

async function processed(peer: RunningPeer): Promise<number> {
  const response = await fetch(`${peer.url}/v1/message/workers`)
  return ((await response.json()) as { messages_total: number }).messages_total
}

const untilProcessed = (peer: RunningPeer, count: number) =>
  waitUntil(async () => (await processed(peer)) >= count, { what: 'the last message', timeoutMs: 120_000, everyMs: 10 })

async function filesOf(peer: RunningPeer): Promise<string[]> {
  const output = join(peer.dataDir, 'messages')
  const names = await readdir(output, { recursive: true })
  return names.filter((name) => name.endsWith('.ndjson')).map((name) => join(output, name))
}

async function batchLatency(peer: RunningPeer, before: ReadonlySet<string>): Promise<Latency> {
  const total = await processed(peer)
  const meter = peer.meter()
  // The clock of the files, less that of the load generator.
  const aheadUs = (performance.timeOrigin + performance.now()) * 1_000 - nowUs()
  const target = { path: PATH, body: batchBody }
  const load = await peer.load(target, '-c', 50, '-rate', BATCHES_PER_S, '-d', `${STEADY_S}s`)
  await untilProcessed(peer, total + load.ok * BATCH)
  const cpu = meter.end()
  const times: number[] = []
  for (const path of (await filesOf(peer)).filter((name) => !before.has(name))) {
    // The time of the rename, which made the file visible.
    const visibleUs = (await stat(path)).ctimeMs * 1_000
    for (const line of (await readFile(path, 'utf8')).trim().split('\n'))
      times.push(visibleUs - aheadUs - Number((JSON.parse(line) as { value: string }).value))
  }
  return { ...quantiles(times), problems: problemsOf(load), cpu }
}

/** Writes the texts to a file each, synced and renamed, its folder synced. */
async function plainLoop(peer: RunningPeer, texts: readonly string[], atOnce: number): Promise<Throughput> {
  const dir = join(peer.dataDir, 'plain-loop')
  await mkdir(dir)
  const startedUs = nowUs()
  const meter = peer.meter()
  let next = 0
  const write = async () => {
    for (let n = next++; n < texts.length; n = next++) {
      const file = await open(join(dir, `.${n}`), 'w')
      await file.writeFile(texts[n] ?? '')
      await file.sync()
      await file.close()
      await rename(join(dir, `.${n}`), join(dir, String(n)))
      const folder = await open(dir, 'r')
      await folder.sync()
      await folder.close()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, write))
  const count = texts.length * BATCH
  const perS = count / secondsBetween(startedUs, nowUs())
  await rm(dir, { recursive: true })
  return { perS, count, problems: [], cpu: meter.end() }
}
