import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '#shared/errors/foreign.ts'
import type { AttemptStore, WorkerRecord } from '#shared/stores/attempts/attempt-store.ts'
import { clocksAgree, isoTime, MINUTE, SECOND, sleep, systemClock } from '#shared/time/clock.ts'
import { openStore } from '../open-store.ts'
import type { StoreCall, StoreThreadOptions, ThreadMessage } from './messages.ts'

// The store's thread: whatever a disk, a lock or a server that is away does to it, the main loop runs jobs.
// 1. opens the store, however long that takes, 2. answers the main thread's calls, 3. beats for a main loop that is
// busy, 4. deletes what is too old.

const OPEN_AGAIN_MS = 1 * SECOND
const OPEN_AGAIN_MAX_MS = 10 * SECOND
const BEAT_EVERY_MS = 1 * SECOND
const KEEP_HOUSE_EVERY_MS = 3 * MINUTE
/** Where nobody could say how old anything is. */
const KEEP_HOUSE_AGAIN_MS = 5 * SECOND
const DELETE_AT_ONCE = 500
/** Between two batches, so that other writers come in. */
const DELETE_PAUSE_MS = 50

const options = workerData as StoreThreadOptions
let store: AttemptStore | null = null
/** Saves go one after the other, so that the last one stays. */
let saving: Promise<unknown> = Promise.resolve()
let isSaving = false
let lastSaved: WorkerRecord | null = null
/** Monotonic, of the last save. */
let lastSavedMs = 0

const tell = (message: ThreadMessage): void => parentPort?.postMessage(message)

parentPort?.on('message', (call: StoreCall) => {
  answer(call).then(
    (result) => tell({ kind: 'result', id: call.id, result }),
    (error: unknown) => tell({ kind: 'failed', id: call.id, why: messageOf(error) }),
  )
})

async function answer(call: StoreCall): Promise<unknown> {
  if (store === null) throw new Error('the store is not open')
  switch (call.method) {
    case 'save':
      return save(store, ...call.args)
    case 'listWorkers':
      return store.listWorkers(...call.args)
    case 'getWorker':
      return store.getWorker(...call.args)
    case 'listAttempts':
      return store.listAttempts(...call.args)
  }
}

function save(to: AttemptStore, ...[worker, attempts]: Parameters<AttemptStore['save']>): Promise<void> {
  const turn = saving.then(async () => {
    isSaving = true
    lastSaved = worker
    lastSavedMs = systemClock.monotonic()
    await to.save(worker, attempts).finally(() => {
      isSaving = false
    })
  })
  saving = turn.catch(() => undefined)
  return turn
}

/** The broker's time: what the main thread says with each beat, and what has gone by since. */
const nowSince = (saved: WorkerRecord): number =>
  Math.floor(Date.parse(saved.beat_at) + systemClock.monotonic() - lastSavedMs)

/** A handler may keep the main loop to itself for long: the worker lives all the same. */
async function beatWhileMainIsBusy(to: AttemptStore): Promise<void> {
  for (;;) {
    await sleep(BEAT_EVERY_MS)
    if (lastSaved === null || lastSaved.stopped_at !== null || isSaving) continue
    if (systemClock.monotonic() - lastSavedMs < 2 * BEAT_EVERY_MS) continue
    await save(to, { ...lastSaved, beat_at: isoTime(nowSince(lastSaved)) }, []).catch(() => undefined)
  }
}

async function keepHouse(to: AttemptStore): Promise<void> {
  for (;;) {
    const nowMs = lastSaved === null ? null : nowSince(lastSaved)
    const isKnown = nowMs !== null && clocksAgree(nowMs, systemClock.now())
    if (isKnown)
      await deleteOld(to, nowMs).catch((error: unknown) => tell({ kind: 'undeleted', why: messageOf(error) }))
    await sleep(isKnown ? KEEP_HOUSE_EVERY_MS : KEEP_HOUSE_AGAIN_MS)
  }
}

async function deleteOld(from: AttemptStore, nowMs: number): Promise<void> {
  const before = isoTime(nowMs - options.retentionMs)
  while ((await from.deleteBefore(before, DELETE_AT_ONCE)) >= DELETE_AT_ONCE) await sleep(DELETE_PAUSE_MS)
}

async function openAtLast(): Promise<AttemptStore> {
  for (let pauseMs = OPEN_AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, OPEN_AGAIN_MAX_MS)) {
    try {
      return await openStore(options)
    } catch (error) {
      tell({ kind: 'away', why: messageOf(error) })
    }
    await sleep(pauseMs)
  }
}

store = await openAtLast()
tell({ kind: 'open' })
await Promise.all([beatWhileMainIsBusy(store), keepHouse(store)])
