import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '#shared/formats/durations.ts'
import { type Hasty, HastyError } from '../../client/index.ts'
import { type EndStatus, type JobEnd, type Ledger, makeLedger } from './ledger.ts'

export interface LoadOptions {
  /** Clients with separate connections and waits. */
  clients: Hasty[]
  /** Jobs per second, of all clients together. */
  ratePerS: number
  /** Milliseconds during which jobs are sent; Infinity: until `draining`. */
  durationMs: number
  /** Milliseconds after the last job within which all must have ended. */
  settleMs: number
  /** Milliseconds after which the server is asked about a job that has not ended, while others are sent. */
  lateMs: number
  type: string
  payload: () => unknown
  onSubmitted: (jobId: string) => void
  onEnded: (jobId: string, end: JobEnd) => void
  onRefused: (error: HastyError) => void
  /** Aborted: no more jobs are sent, and those already sent are followed. */
  draining: AbortSignal
  signal: AbortSignal
}

/** Number of parallel requests about jobs whose end the stream did not report. */
const ASKED_AT_ONCE = 20
const TICK_MS = 20

/**
 * Sends jobs at a steady rate, however slow the answers are, and follows each to its end: by the stream of events, and
 * by requests about jobs whose end it did not report.
 * @returns the ledger, and the milliseconds during which jobs were sent
 */
export async function runLoad(options: LoadOptions): Promise<{ ledger: Ledger; elapsedMs: number }> {
  const ledger = makeLedger()
  const leaving = new AbortController()
  const following = Promise.all([followEnds(options, ledger, leaving.signal), askLate(options, ledger, leaving.signal)])
  const startedMs = performance.now()
  await submitAll(options, ledger)
  const elapsedMs = performance.now() - startedMs
  await askAll(options, ledger, [...ledger.pending.keys()], options.settleMs)
  leaving.abort()
  await following
  options.signal.throwIfAborted()
  return { ledger, elapsedMs }
}

async function submitAll(options: LoadOptions, ledger: Ledger): Promise<void> {
  const { clients, ratePerS, durationMs, draining, signal } = options
  const total = Math.ceil((durationMs / 1000) * ratePerS)
  const startedMs = performance.now()
  const underWay = new Set<Promise<void>>()
  let begun = 0
  await new Promise<void>((resolve) => {
    const tick = () => {
      if (begun >= total || draining.aborted || signal.aborted) {
        clearInterval(timer)
        resolve()
        return
      }
      const due = Math.min(total, Math.floor(((performance.now() - startedMs) / 1000) * ratePerS) + 1)
      for (; begun < due; begun++) {
        const client = clients[begun % clients.length]
        if (client === undefined) return
        const sending = submit(options, client, ledger).finally(() => underWay.delete(sending))
        underWay.add(sending)
      }
    }
    const timer = setInterval(tick, TICK_MS)
    tick()
  })
  await Promise.all(underWay)
}

async function submit(options: LoadOptions, client: Hasty, ledger: Ledger): Promise<void> {
  const startedMs = performance.now()
  try {
    const { job_id: jobId } = await client.create(options.type, options.payload(), { signal: options.signal })
    options.onSubmitted(jobId)
    const end = ledger.accept(jobId, startedMs)
    if (end !== null) options.onEnded(jobId, end)
  } catch (error) {
    if (!(error instanceof HastyError)) {
      if (options.signal.aborted) return
      throw error
    }
    ledger.refuse(error.code)
    options.onRefused(error)
  }
}

/** Records the ends in the stream of all events. Requests about single jobs find the ends that it misses. */
async function followEnds(options: LoadOptions, ledger: Ledger, leaving: AbortSignal): Promise<void> {
  const { clients, type, lateMs } = options
  let afterSeq: number | undefined
  while (!leaving.aborted) {
    try {
      for await (const event of clients[0]?.allEvents({ type, afterSeq, signal: leaving }) ?? []) {
        afterSeq = event.seq
        const status = endOf(event.event)
        if (status === null || !('job_id' in event)) continue
        const end = { status, at: event.at, seenMs: performance.now() }
        if (ledger.end(event.job_id, end)) options.onEnded(event.job_id, end)
      }
    } catch (error) {
      if (!leaving.aborted && !(error instanceof HastyError)) throw error
    }
    await pause(lateMs, leaving)
  }
}

const endOf = (event: string): EndStatus | null =>
  event === 'job:finished'
    ? 'finished'
    : event === 'job:failed'
      ? 'failed'
      : event === 'job:cancelled'
        ? 'cancelled'
        : null

async function askLate(options: LoadOptions, ledger: Ledger, leaving: AbortSignal): Promise<void> {
  for (;;) {
    await pause(options.lateMs, leaving)
    if (leaving.aborted) return
    const late = performance.now() - options.lateMs
    const jobs = [...ledger.pending].filter(([, startedMs]) => startedMs < late).map(([jobId]) => jobId)
    await askAll(options, ledger, jobs, 0)
  }
}

/** Asks about jobs that have not ended, several in parallel, and waits `waitMs` in all for them to end. */
async function askAll(options: LoadOptions, ledger: Ledger, ids: string[], waitMs: number): Promise<void> {
  const { clients, signal } = options
  const endMs = performance.now() + waitMs
  const jobs = ids.values()
  const ask = async (client: Hasty | undefined) => {
    for (const jobId of jobs) {
      if (client === undefined || signal.aborted || !ledger.pending.has(jobId)) continue
      const leftMs = Math.max(0, endMs - performance.now())
      const job = await client.wait(jobId, { waitMs: leftMs, signal }).catch(() => null)
      const at = job?.finished_at
      if (job === null || at === null || at === undefined) continue
      const end = { status: job.status as EndStatus, at, seenMs: performance.now() }
      if (ledger.end(jobId, end)) options.onEnded(jobId, end)
    }
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, (_, n) => ask(clients[n % clients.length])))
}

/** Pauses, and ends early without an error when it is time to leave. */
const pause = (ms: number, leaving: AbortSignal): Promise<void> =>
  sleep(timerMs(ms), undefined, { signal: leaving }).catch(() => undefined)
