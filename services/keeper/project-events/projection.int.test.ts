import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { historyFilter, type JobAddress } from '#shared/contracts/log/subjects.ts'
import { createRegistry } from '#shared/process/metrics.ts'
import type { Checkpoint, JobStore, StoredJob } from '#shared/stores/jobs/job-store.ts'
import { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'
import { systemClock } from '#shared/time/clock.ts'
import { createdPublication, endPublication, newAddress, silentLog, startTestBus } from '../../../e2e/support/bus.ts'
import { createKeeperMetrics } from '../metrics.ts'
import { Projection } from './projection.ts'

const JOBS = 1_500
const SOON = { timeout: 30_000, interval: 50 }

/** A store that takes only so many jobs at once: the connection of a larger write times out. */
class FeebleStore {
  readonly #store: JobStore
  readonly written: number[] = []
  isAway = false

  constructor(store: JobStore) {
    this.#store = store
  }

  get store(): JobStore {
    const putNewer: JobStore['putNewer'] = async (jobs: StoredJob[], occurrences) => {
      if (this.isAway || jobs.length > 60) throw new Error('connection 7 to the store timed out')
      this.written.push(jobs.length)
      await this.#store.putNewer(jobs, occurrences)
    }
    const saveCheckpoint: JobStore['saveCheckpoint'] = async (next, expected) => {
      if (this.isAway) throw new Error('connection 7 to the store timed out')
      return this.#store.saveCheckpoint(next, expected)
    }
    return { ...this.#store, putNewer, saveCheckpoint }
  }
}

async function setup() {
  await using undo = new AsyncDisposableStack()
  const bus = undo.use(await startTestBus())
  const dir = await mkdtemp(join(tmpdir(), 'hasty-projection-'))
  undo.defer(() => rm(dir, { recursive: true, force: true }))
  const jobs = await openSqliteStore(join(dir, 'jobs.sqlite'))
  undo.defer(() => jobs.close())
  const feeble = new FeebleStore(jobs)
  const { store } = feeble
  const view = new ProjectionView(store)
  const projection = new Projection({
    broker: bus.broker,
    stream: bus.stream,
    store,
    view,
    replicaId: 'k',
    onEnds: async () => undefined,
    clock: systemClock,
    metrics: createKeeperMetrics(createRegistry('test')),
    log: silentLog,
  })
  const create = (many: JobAddress[]) => Promise.all(many.map((job) => bus.publisher.publish(createdPublication(job))))
  const stack = undo.move()
  return { bus, jobs, feeble, view, projection, create, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('under a store that fails for large writes the fold goes on in smaller ones, and tells how far it is behind', async () => {
  await using parts = await setup()
  const { bus, jobs, feeble, view, projection, create } = parts
  const addresses = Array.from({ length: JOBS }, newAddress)
  projection.start()
  try {
    await vi.waitFor(() => expect(projection.isOwner).toBe(true), SOON)
    feeble.isAway = true
    await create(addresses)
    // It cannot even save that it is still there.
    await vi.waitFor(() => expect(projection.lag.seconds).toBeGreaterThan(2), SOON)
    expect(projection.isOwner).toBe(false)
    expect(projection.lag.messages).toBeGreaterThan(0)
    feeble.isAway = false
    const end = (await bus.stream.state()).lastSeq
    await vi.waitFor(() => expect(view.seq).toBe(end), SOON)
    expect((await jobs.getMany(addresses.map(({ job_id }) => job_id))).size).toBe(JOBS)
    // What was written is not written again.
    expect(feeble.written.reduce((sum, count) => sum + count, 0)).toBe(JOBS)
    expect(projection.lag).toEqual({ messages: 0, seconds: 0 })
  } finally {
    await projection.stop()
  }
})

test('the checkpoint says up to when everything is applied, also when nothing comes', async () => {
  await using parts = await setup()
  const { view, projection, create } = parts
  projection.start()
  try {
    await create([newAddress()])
    const afterJobMs = systemClock.now()
    await vi.waitFor(() => expect(Date.parse(view.asOf ?? '')).toBeGreaterThan(afterJobMs + 500), SOON)
    expect(Date.parse(view.asOf ?? '')).toBeLessThanOrEqual(systemClock.now())
  } finally {
    await projection.stop()
  }
})

test('a rebuild from the log, and a fold of an older version that is written anew, count the same once more', async () => {
  await using parts = await setup()
  const { bus, jobs, view, projection, create } = parts
  const addresses = Array.from({ length: 20 }, newAddress)
  const counted = async () => {
    const hours = await jobs.series({ stepS: 3_600, tenant: null, type: null, fromS: 0, belowS: 1e12 })
    return hours.map(({ generation: _generation, ...row }) => row)
  }
  const untilApplied = async () => {
    const { lastSeq } = await bus.stream.state()
    await vi.waitFor(() => expect(view.seq).toBe(lastSeq), SOON)
  }
  projection.start()
  try {
    await create(addresses)
    for (const job of addresses) {
      const stored = await bus.stream.lastOf(historyFilter(job))
      await bus.publisher.publish(endPublication(job, 'job:finished', stored?.seq ?? 0))
    }
    await untilApplied()
    const before = await counted()
    expect(before.reduce((sum, { tally }) => sum + tally.completed, 0)).toBe(20)
    for (const change of [{ seq: 0, log_from: '' }, { fold_version: 1 }]) {
      const { generation } = view
      // As the command for it does it: the owner loses its place, and takes it again.
      await vi.waitFor(async () => {
        const seen = (await jobs.readCheckpoint()) as Checkpoint
        const next = { ...seen, ...change, revision: seen.revision + 1, owner: '' }
        const isAsked = 'seq' in change ? { generation: generation + 1 } : {}
        expect(await jobs.saveCheckpoint({ ...next, ...isAsked }, seen.revision)).toBe(true)
      }, SOON)
      await vi.waitFor(() => expect(view.generation).toBeGreaterThan(generation), SOON)
      await untilApplied()
      expect(await counted()).toEqual(before)
    }
  } finally {
    await projection.stop()
  }
})
