import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { AckPolicy, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type CpuUse, Meter } from '../peers/meter.ts'
import { makeDir } from '../peers/run-peer.ts'
import { stores } from '../peers/stores.ts'
import type { PublishTask } from './publish-thread.ts'

/** The broker alone, with the jobs of one log in so many streams. */
export interface StreamsRow {
  streams: number
  /** Messages stored and acked a second. */
  perS: number
  cpu: CpuUse
  messages: number
  problems: string[]
}

/** Publishing threads, each with a connection. */
const THREADS = 2

/**
 * Publishes first events of jobs as fast as the broker acks them. Each stream has what the log of jobs has: a consumer
 * of a lane, republished events, atomic batches and schedules allowed.
 * @param streams among which the messages are spread
 */
export async function measureStreams(streams: number, messages: number): Promise<StreamsRow> {
  const dir = makeDir('streams')
  // Two streams can only be faster where the broker may use two cores.
  process.env['GOMAXPROCS'] = String(availableParallelism())
  const store = await stores.nats(dir, { sync: '10ms' })
  try {
    const url = store.env['NATS_URL'] ?? ''
    await makeStreams(url, streams)
    await publish(url, streams, messages / 10, 0)
    const meter = new Meter(() => ({ store: [store.child?.pid ?? 0] })).start()
    const startedMs = performance.now()
    await publish(url, streams, messages, THREADS)
    const perS = (messages / (performance.now() - startedMs)) * 1_000
    return { streams, perS, cpu: meter.end(), messages, problems: [] }
  } finally {
    await store.stop()
    delete process.env['GOMAXPROCS']
    rmSync(dir, { recursive: true, force: true })
  }
}

async function makeStreams(url: string, streams: number): Promise<void> {
  const nc = await connect({ servers: url })
  const manager = await jetstreamManager(nc)
  for (let n = 0; n < streams; n++) {
    const name = `S${n}`
    await manager.streams.add({
      name,
      subjects: [`s${n}.>`],
      storage: StorageType.File,
      allow_atomic: true,
      allow_msg_schedules: true,
      allow_msg_ttl: true,
      allow_direct: true,
      republish: { src: '>', dest: 'live.>' },
    })
    await manager.consumers.add(name, { durable_name: 'lane', ack_policy: AckPolicy.Explicit })
  }
  await nc.close()
}

/** @param firstThread number of the first thread: threads of one number publish on the same subjects */
async function publish(url: string, streams: number, messages: number, firstThread: number): Promise<void> {
  const threads = Array.from({ length: THREADS }, (_, n) => {
    const task: PublishTask = { url, thread: firstThread + n, streams, messages: Math.ceil(messages / THREADS) }
    return new Worker(new URL('./publish-thread.ts', import.meta.url), { workerData: task })
  })
  await Promise.all(threads.map((thread) => once(thread, 'exit')))
}
