import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import { describe, expect, test, vi } from 'vitest'
import { postTo } from '../support/call.ts'
import { startsOf } from '../support/fault-run.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { lasts } from '../support/lasts.ts'
import { connectTest, readLog } from '../support/read-log.ts'
import type { Replica } from '../support/replica.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const LEASE_MS = 20_000
const SHORT_LEASE_MS = 6_000
const SLOTS = 10
/** Far above a third of a second, for a machine with other work, and far below what is left of a lease at least. */
const NOTICED_WITHIN_MS = 8_000
const UNTIL = { timeout: 60_000, interval: 100 }

interface Scene extends AsyncDisposable {
  hasty: Mixed<'job'>
  nats: NatsConnection
}

async function startScene(leaseMs = LEASE_MS): Promise<Scene> {
  const jobEnv = {
    LEASE_MS: String(leaseMs),
    JOB_SLOTS: String(SLOTS),
    HANDLERS_DIR,
    EFFECT_SINK_URL: 'http://127.0.0.1:1',
  }
  await using undo = new AsyncDisposableStack()
  const hasty = undo.use(await startMixed(['job'], { jobs: 3, jobEnv }))
  const nats = await connectTest(hasty.nats.url)
  undo.defer(() => nats.close())
  await lasts(6_000, 'until then a worker that is not there may be on its way back to a broker that was away')
  const stack = undo.move()
  return { hasty, nats, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** A way to the broker whose connections can be closed, all at once. */
async function startDetour(natsUrl: string): Promise<AsyncDisposable & { url: string; cut(): number }> {
  const sockets = new Set<Socket>()
  const { hostname, port } = new URL(natsUrl)
  const server = createServer((socket) => {
    const onward = connect(Number(port), hostname)
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => undefined).on('close', () => other.destroy())
      one.pipe(other)
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = () => {
    const open = [...sockets]
    for (const socket of open) socket.destroy()
    return open.length
  }
  const url = `nats://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Starts jobs that do not end by themselves. @returns the ids of those that run, by worker */
async function startLongJobs({ hasty, nats }: Scene, name: string, count = 6): Promise<Map<Replica, string[]>> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const request = { object_id: `${name}-${n}`, type: 'effect', payload: { ms: 120_000 }, timeout_ms: 180_000 }
    ids.push(String((await postTo(hasty.url, request)).body['job_id']))
  }
  const running = async () => startsOf(await readLog(nats)).filter(({ job_id }) => ids.includes(job_id))
  await vi.waitFor(async () => expect(await running()).toHaveLength(ids.length), UNTIL)
  const starts = await running()
  const of = ({ pid }: Replica) => starts.filter(({ worker_id }) => worker_id.includes(`-${pid}-`))
  return new Map(hasty.job.map((worker) => [worker, of(worker).map(({ job_id }) => job_id)]))
}

const busiest = (running: Map<Replica, string[]>): [Replica, string[]] =>
  [...running].toSorted(([, a], [, b]) => b.length - a.length)[0]!

/** How long after a moment each of these jobs was started again. */
async function untilAgain({ nats }: Scene, ids: string[], sinceMs: number): Promise<number[]> {
  const again = async () =>
    startsOf(await readLog(nats)).filter(({ job_id, attempt }) => ids.includes(job_id) && attempt === 2)
  await vi.waitFor(async () => expect(await again()).toHaveLength(ids.length), UNTIL)
  return (await again()).map(({ timeMs }) => timeMs - sinceMs)
}

// Alone: it measures time.
test('the jobs of a worker that was killed start elsewhere at once, those that it had just started too', async () => {
  await using scene = await startScene()
  for (const round of [1, 2]) {
    const [victim, held] = busiest(await startLongJobs(scene, `round-${round}`))
    const killedMs = Date.now()
    victim.kill('SIGKILL')
    const waits = await untilAgain(scene, held, killedMs)
    expect(Math.max(...waits)).toBeLessThan(NOTICED_WITHIN_MS)
    await victim.restart()
    await lasts(6_000, 'the new worker’s connections are young')
  }
})

describe.concurrent('the jobs of a worker', () => {
  test('that was killed together with the next one start at the third', async () => {
    await using scene = await startScene()
    const running = await startLongJobs(scene, 'two')
    const [one, two] = [...running.keys()].toSorted((a, b) => a.pid - b.pid)
    const held = [...(running.get(one!) ?? []), ...(running.get(two!) ?? [])]
    const killedMs = Date.now()
    one?.kill('SIGKILL')
    two?.kill('SIGKILL')
    expect(Math.max(...(await untilAgain(scene, held, killedMs)))).toBeLessThan(NOTICED_WITHIN_MS)
  })

  test('whose connections were closed stay with it: it is back before another one may start them', async () => {
    await using scene = await startScene()
    await using detour = await startDetour(scene.hasty.nats.url)
    const worker = await scene.hasty.addJob({ NATS_URL: detour.url })
    const held = (await startLongJobs(scene, 'cut', 4 * SLOTS)).get(worker) ?? []
    expect(held).toHaveLength(SLOTS)
    for (const _ of [1, 2, 3]) {
      expect(detour.cut()).toBeGreaterThan(1)
      await lasts(2_000, 'longer than it takes to hand the jobs of a dead worker back')
    }
    const starts = startsOf(await readLog(scene.nats)).filter(({ job_id }) => held.includes(job_id))
    expect(starts.map(({ attempt }) => attempt)).toEqual(held.map(() => 1))
    await worker.stop(0)
  })

  test('that is frozen wait for its lease', async () => {
    await using scene = await startScene(SHORT_LEASE_MS)
    const [frozen, held] = busiest(await startLongJobs(scene, 'frozen'))
    const frozenMs = Date.now()
    frozen.kill('SIGSTOP')
    const waits = await untilAgain(scene, held, frozenMs)
    // The last renewal may be a third of the lease old when the worker stops.
    expect(Math.min(...waits)).toBeGreaterThan((SHORT_LEASE_MS * 2) / 3 - 500)
    frozen.kill('SIGCONT')
  })
})
