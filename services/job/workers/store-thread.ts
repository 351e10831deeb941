import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '#shared/errors/foreign.ts'
import type { AttemptStore, WorkerRecord } from '#shared/stores/attempts/attempt-store.ts'
import { clocksAgree, isoTime, MINUTE, SECOND, sleep, systemClock } from '#shared/time/clock.ts'
import { openStore } from '../open-store.ts'
import type { StoreCall, StoreThreadOptions, ThreadMessage } from './messages.ts'

// The store's thread: a slow disk, a lock or an absent server never keeps the main loop from running jobs. The thread
// 1. opens the store, however long that takes, 2. answers the main thread's calls,
// 3. writes heartbeats for a busy main loop, 4. deletes old data.

const OPEN_AGAIN_MS = 1 * SECOND
const OPEN_AGAIN_MAX_MS = 10 * SECOND
const BEAT_EVERY_MS = 1 * SECOND
const KEEP_HOUSE_EVERY_MS = 3 * MINUTE
/** Pause where the age of data is unknown. */
const AGE_UNKNOWN_RETRY_MS = 5 * SECOND
const DELETE_AT_ONCE = 500
/** Pause between two batches, so that other writers get their turn. */
const DELETE_PAUSE_MS = 50

const options = workerData as StoreThreadOptions
let store: AttemptStore | null = null
/** Saves run one after the other, so that the last one stays. */
let saving: Promise<unknown> = Promise.resolve()
let isSaving = false
let lastSaved: WorkerRecord | null = null
/** Monotonic time of the last save. */
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

/** The broker's time: the main thread's last value, and the time that has passed since. */
const nowSince = (saved: WorkerRecord): number =>
  Math.floor(Date.parse(saved.beat_at) + systemClock.monotonic() - lastSavedMs)

/** Writes heartbeats while a handler blocks the main loop: the worker lives all the same. */
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
    await sleep(isKnown ? KEEP_HOUSE_EVERY_MS : AGE_UNKNOWN_RETRY_MS)
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
