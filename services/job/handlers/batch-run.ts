import type { BatchPolicy } from '#shared/contracts/log/job-type.ts'
import { isObject, textOf } from '#shared/errors/foreign.ts'
import { currentRun, type ForeignRun, joinRuns, runFor } from '#shared/errors/foreign-run.ts'
import { valueAt } from '#shared/formats/json-pointer.ts'
import { type JobHandler, PermanentError, RetryLater } from './handler.ts'
import type { BatchContext, BatchItem, HandlerLog } from './handler-types.ts'

/**
 * Runs a batch. @returns nothing: all are done; else an outcome for each, in order. An error that it throws applies to
 * each job.
 */
export type RunBatch = (items: BatchItem[], context: BatchContext) => unknown

interface Waiting {
  item: BatchItem
  /** The run to which uncaught errors belong; null in a unit test. */
  run: ForeignRun | null
  log: HandlerLog
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

/**
 * Turns a handler of batches into one of single jobs: each job waits for others of its type, and of its key where there
 * is one, until there are `size` or the first has waited `max_wait_ms`; then all run in one call. To the rest of the
 * service each is a job like any other, with its own lease, timeout, cancel and outcome.
 */
export function batchRun({ size, max_wait_ms: maxWaitMs, key }: BatchPolicy, run: RunBatch): JobHandler['run'] {
  const groups = new Map<string, { waiting: Set<Waiting>; timer: NodeJS.Timeout }>()

  const flush = (group: string) => {
    const found = groups.get(group)
    if (found === undefined) return
    groups.delete(group)
    clearTimeout(found.timer)
    // Aborted jobs have left the batch.
    if (found.waiting.size > 0) void runTogether(run, [...found.waiting])
  }

  return (payload, { log, fail: _fail, retryLater: _later, ...about }) =>
    new Promise((resolve, reject) => {
      const group = groupOf(payload, key)
      const { waiting } = groups.get(group) ?? { waiting: new Set<Waiting>() }
      if (!groups.has(group)) groups.set(group, { waiting, timer: setTimeout(() => flush(group), maxWaitMs) })
      const { signal } = about
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const entry = { item: { ...about, payload }, run: currentRun(), log, resolve, reject }
      signal.addEventListener('abort', () => {
        waiting.delete(entry)
        reject(signal.reason)
      })
      waiting.add(entry)
      if (waiting.size >= size) flush(group)
    })
}

/** The group of a payload: the value at the key; jobs without one form a group. @param key JSON pointer, RFC 6901 */
const groupOf = (payload: unknown, key: string | undefined): string =>
  key === undefined ? '' : JSON.stringify(valueAt(payload, key) ?? null)

async function runTogether(run: RunBatch, entries: Waiting[]): Promise<void> {
  const [first] = entries
  if (first === undefined) return
  try {
    const signal = whenAllAborted(entries.map(({ item }) => item.signal))
    const items = entries.map(({ item }) => item)
    const runs = entries.flatMap((entry) => entry.run ?? [])
    const returned = await runFor(joinRuns(runs), () => run(items, { signal, log: first.log }))
    if (returned !== undefined && !(Array.isArray(returned) && returned.length === entries.length))
      throw new PermanentError(`a batch handler returns nothing, or an outcome for each of its ${entries.length} jobs`)
    for (const [i, entry] of entries.entries()) settle(entry, returned, i)
  } catch (error) {
    for (const { reject } of entries) reject(error)
  }
}

const KINDS = ['result', 'retry', 'failed']

/** Settles one job. Reading an outcome may run foreign code: an error there concerns this job alone. */
function settle({ resolve, reject }: Waiting, returned: unknown[] | undefined, place: number): void {
  try {
    const outcome = returned === undefined ? 'done' : returned[place]
    if (outcome === 'done') resolve(null)
    else if (isObject(outcome) && KINDS.filter((kind) => kind in outcome).length > 1)
      reject(new PermanentError(`an outcome has one of ${KINDS.join(', ')}`))
    else if (isObject(outcome) && 'result' in outcome) resolve(outcome.result)
    else if (isObject(outcome) && 'failed' in outcome) reject(new PermanentError(textOf(outcome.failed)))
    else if (isObject(outcome) && 'retry' in outcome) reject(retryOf(outcome))
    else reject(new PermanentError("an outcome is 'done', {result}, {retry} or {failed}"))
  } catch (error) {
    reject(error)
  }
}

function retryOf(outcome: { retry: unknown; delay_ms?: unknown }): Error {
  const message = textOf(outcome.retry)
  return typeof outcome.delay_ms === 'number' ? new RetryLater(outcome.delay_ms, message) : new Error(message)
}

function whenAllAborted(signals: AbortSignal[]): AbortSignal {
  const aborter = new AbortController()
  let left = signals.filter(({ aborted }) => !aborted).length
  for (const signal of signals) {
    signal.addEventListener('abort', () => {
      left--
      if (left === 0) aborter.abort(signal.reason)
    })
  }
  return aborter.signal
}
