import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { connectBroker } from '#shared/bus/connection.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Stream } from '#shared/bus/stream.ts'
import { newJobId } from '#shared/ids/ids.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'
import { systemClock } from '#shared/time/clock.ts'
import { createdPublication } from '../e2e/support/bus.ts'
import type { Processes } from '../e2e/support/hasty.ts'
import { httpLoad, type LoadResult } from './http-load.ts'

const CONNECTIONS = 64
const DURATION_S = 5
/** Time before the first figure of a process: its code is compiled by then. */
const WARM_UP_S = 4

/** Counts runs, so that each has new object_ids. */
let runs = 0
const newRun = () => ({ BENCH_RUN: `${process.pid}-${runs++}` })

/** (a) bare Koa that answers 201 with a nanoid. */
export async function bareKoa(): Promise<LoadResult> {
  const child = fork(join(import.meta.dirname, 'bare-koa.ts'))
  try {
    const [port] = (await once(child, 'message')) as [number]
    await post(`http://127.0.0.1:${port}`, WARM_UP_S)
    return await post(`http://127.0.0.1:${port}`)
  } finally {
    child.kill()
  }
}

/** (b) Hasty's POST, with projection and worker beside it. */
export const ourPost = (hasty: Processes): Promise<LoadResult> => post(hasty.url)

/** Load that is not measured. */
export async function warmUp(hasty: Processes): Promise<void> {
  await post(hasty.url, WARM_UP_S)
}

const post = (url: string, durationS = DURATION_S) =>
  httpLoad({ url, connections: CONNECTIONS, durationS, script: 'post.lua', env: newRun() })

/** (c) jobs a second from the first POST until the store shows the last one as finished. */
export async function postToFinished(hasty: Processes): Promise<number> {
  const startedMs = systemClock.monotonic()
  const load = await post(hasty.url)
  if (load.failed > 0) throw new Error(`${load.failed} POSTs failed`)
  await untilAllEnded(hasty)
  return (load.requests / (systemClock.monotonic() - startedMs)) * 1000
}

/** (d) from the sending of the POST to the start of the handler, at a steady rate; milliseconds. */
export async function pickUpLatency(
  hasty: Processes,
  perSecond: number,
  seconds: number,
): Promise<{ p50: number; p99: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const { BENCH_RUN } = newRun()
  const sent: Promise<{ id: string; sentAtMs: number }>[] = []
  for (let i = 0; i < perSecond * seconds; i++) {
    sent.push(postOne(hasty.url, agent, `${BENCH_RUN}-${i}`))
    await sleep(1000 / perSecond)
  }
  const jobs = await Promise.all(sent)
  await untilAllEnded(hasty)
  const store = await openSqliteStore(join(hasty.dataDir, 'jobs.sqlite'))
  const stored = await store.getMany(jobs.map(({ id }) => id))
  await store.close()
  const latencies = jobs.map(({ id, sentAtMs }) => {
    const result = stored.get(id)?.job.result as { started_at_ms: number } | null | undefined
    if (result == null) throw new Error(`${id} has no result`)
    return result.started_at_ms - sentAtMs
  })
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}

function postOne(url: string, agent: Agent, objectId: string): Promise<{ id: string; sentAtMs: number }> {
  return new Promise((resolve, reject) => {
    const sentAtMs = performance.timeOrigin + performance.now()
    const outgoing = request(
      url,
      { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => resolve({ id: (JSON.parse(text) as { job_id: string }).job_id, sentAtMs }))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify({ object_id: objectId, type: 'stamp' }))
  })
}

/** (e) GET of finished jobs. */
export async function getJobs(hasty: Processes): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true })
  const { BENCH_RUN } = newRun()
  const jobs = await Promise.all(Array.from({ length: 200 }, (_, i) => postOne(hasty.url, agent, `${BENCH_RUN}-${i}`)))
  await untilAllEnded(hasty)
  const env = { BENCH_IDS: jobs.map(({ id }) => id).join(',') }
  return httpLoad({ url: hasty.url, connections: CONNECTIONS, durationS: DURATION_S, script: 'get.lua', env })
}

/** (f) jobs a second, from the start of pulling until the store shows the last of a backlog as finished. */
export async function drainBacklog(hasty: Processes, jobs: number): Promise<number> {
  const [worker] = hasty.job
  if (worker === undefined) throw new Error('no worker')
  await worker.stop()
  await enqueue(hasty, jobs)
  const restarted = worker.restart()
  await restarted
  const startedMs = systemClock.monotonic()
  const before = await unended(hasty)
  await untilAllEnded(hasty)
  return (before / (systemClock.monotonic() - startedMs)) * 1000
}

/** Publishes straight to the broker, as the api does: only the drain is measured. */
async function enqueue(hasty: Processes, jobs: number): Promise<void> {
  const broker = await connectBroker({
    url: hasty.nats.url,
    name: 'bench',
    clock: systemClock,
    log: pino({ level: 'silent' }),
  })
  const stream = new Stream(broker)
  const publisher = new Publisher({ broker, stream, clock: systemClock, maxInFlight: 20_000, groupCommit: true })
  for (let done = 0; done < jobs; done += 1_000) {
    const batch = Array.from({ length: 1_000 }, () => {
      const address = { type: 'noop', priority: 'normal' as const, job_id: newJobId(systemClock.now()) }
      return publisher.publish(createdPublication(address), { deadlineMs: 30_000 })
    })
    await Promise.all(batch)
  }
  publisher.close()
  await broker.close()
  await untilProjected(hasty, jobs)
}

const UNENDED = { phases: ['waiting', 'running', 'retrying', 'scheduled'] as const, updatedBefore: '9', limit: 500_000 }

async function unended(hasty: Processes): Promise<number> {
  const store = await openSqliteStore(join(hasty.dataDir, 'jobs.sqlite'))
  const left = await store.listActive({ ...UNENDED, phases: [...UNENDED.phases], afterId: '' })
  await store.close()
  return left.length
}

async function untilProjected(hasty: Processes, jobs: number): Promise<void> {
  while ((await unended(hasty)) < jobs) await sleep(200)
}

/** Polls the store itself for the first job that has not ended. */
async function untilAllEnded(hasty: Processes): Promise<void> {
  const store = await openSqliteStore(join(hasty.dataDir, 'jobs.sqlite'))
  const left = () => store.listActive({ ...UNENDED, phases: [...UNENDED.phases], afterId: '', limit: 1 })
  // Twice, a projection batch apart: the last accepted jobs may not be in the store yet.
  for (let quiet = 0; quiet < 2; ) {
    quiet = (await left()).length === 0 ? quiet + 1 : 0
    await sleep(quiet === 0 ? 20 : 60)
  }
  await store.close()
}

/** (g) resident memory of each process, MiB. */
export async function memory(hasty: Processes): Promise<Record<string, number>> {
  const pids = { api: hasty.api[0]?.pid, job: hasty.job[0]?.pid, 'nats-server': hasty.nats.pid }
  const sizes: Record<string, number> = {}
  for (const [name, pid] of Object.entries(pids)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    sizes[name] = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }
  return sizes
}
