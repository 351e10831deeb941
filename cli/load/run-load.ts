import { type Hasty, HastyError } from '#shared/client/index.ts'
import { type EndStatus, type Ledger, makeLedger } from './ledger.ts'

export interface LoadOptions {
  /** Each with connections and waits of its own. */
  clients: Hasty[]
  /** Jobs a second, of all clients together. */
  ratePerS: number
  durationMs: number
  /** Milliseconds after the last job in which all must have ended. */
  settleMs: number
  type: string
  payload: () => unknown
  onSubmitted: (jobId: string) => void
  onEnded: (jobId: string, status: EndStatus, at: string) => void
  onRefused: (error: HastyError) => void
  /** Aborted: no more jobs are sent, those that were sent are followed. */
  draining: AbortSignal
  signal: AbortSignal
}

/** Asked at once about jobs whose end the stream did not tell. */
const ASKED_AT_ONCE = 20
const TICK_MS = 20

/**
 * Sends jobs at a steady rate, however slow the answers are, and follows each to its end: by the stream of events, and
 * by asking for those that it did not tell.
 * @returns what became of them, and the milliseconds in which they were sent
 */
export async function runLoad(options: LoadOptions): Promise<{ ledger: Ledger; elapsedMs: number }> {
  const ledger = makeLedger()
  const leaving = new AbortController()
  const following = followEnds(options, ledger, leaving.signal)
  const startedMs = performance.now()
  await submitAll(options, ledger)
  const elapsedMs = performance.now() - startedMs
  await settle(options, ledger)
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
    ledger.accept(jobId, startedMs)
  } catch (error) {
    if (!(error instanceof HastyError)) {
      if (options.signal.aborted) return
      throw error
    }
    ledger.refuse(error.code)
    options.onRefused(error)
  }
}

/** The ends that the stream of all events tells. A server without it leaves them to `settle`. */
async function followEnds(options: LoadOptions, ledger: Ledger, leaving: AbortSignal): Promise<void> {
  const client = options.clients[0]
  try {
    for await (const event of client?.allEvents({ type: options.type, signal: leaving }) ?? []) {
      const status = endOf(event.event)
      if (status === null || !('job_id' in event)) continue
      if (ledger.end(event.job_id, status, performance.now())) options.onEnded(event.job_id, status, event.at)
    }
  } catch (error) {
    if (!leaving.aborted && !(error instanceof HastyError)) throw error
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

async function settle(options: LoadOptions, ledger: Ledger): Promise<void> {
  const { clients, settleMs, signal } = options
  const endMs = performance.now() + settleMs
  const jobs = [...ledger.pending].values()
  const ask = async (client: Hasty | undefined) => {
    for (const jobId of jobs) {
      if (client === undefined || signal.aborted || !ledger.pending.has(jobId)) continue
      const leftMs = Math.max(0, endMs - performance.now())
      const job = await client.wait(jobId, { waitMs: leftMs, signal }).catch(() => null)
      const at = job?.finished_at
      if (job === null || at === null || at === undefined) continue
      const status = job.status as EndStatus
      if (ledger.end(jobId, status, performance.now())) options.onEnded(jobId, status, at)
    }
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, (_, n) => ask(clients[n % clients.length])))
}
