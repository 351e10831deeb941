import type { Broker } from '#shared/bus/connection.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import { watchLive } from '#shared/bus/live.ts'
import type { LastEvent } from '#shared/contracts/log/decide.ts'
import { historyFilter, isTerminalEvent, type JobAddress } from '#shared/contracts/log/subjects.ts'
import { cannotRead } from '#shared/errors/app-error.ts'

export interface WaitDeps {
  broker: Broker
  history: Pick<JobHistory, 'last'>
  /** Aborted when this replica stops: waiting callers are answered with the current state. */
  stopping: AbortSignal
}

/**
 * Waits until a job has ended, or has any event after `changedFrom`. There is no polling: the live subjects wake the
 * wait, and one look at the log finds events from before, or from while the connection was broken.
 * @param gone aborted when the caller has left
 * @throws AppError `unavailable` when the log cannot be read
 */
export async function waitForEnd(
  deps: WaitDeps,
  job: JobAddress,
  waitMs: number,
  gone: AbortSignal,
  changedFrom: number | null = null,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const isOver = ({ event, seq }: Pick<LastEvent, 'event' | 'seq'>) =>
    isTerminalEvent(event) || (changedFrom !== null && seq > changedFrom)
  const look = async () => {
    const last = await deps.history.last(job)
    // The log has no event of the job any more: it ended long ago.
    if (last === null || isOver(last)) done.resolve()
  }
  const unwatch = watchLive(deps.broker, historyFilter(job), ({ seq, subject: { event } }) => {
    if (event !== 'job:due' && event !== 'job:timer' && isOver({ event, seq })) done.resolve()
  })
  const unlisten = deps.broker.onReconnect(() => void look().catch(() => undefined))
  const onEnd = () => done.resolve()
  const timer = setTimeout(onEnd, waitMs)
  for (const signal of [gone, deps.stopping]) signal.addEventListener('abort', onEnd)
  try {
    await look().catch(cannotRead('The log'))
    if (gone.aborted || deps.stopping.aborted) return
    await done.promise
  } finally {
    clearTimeout(timer)
    for (const signal of [gone, deps.stopping]) signal.removeEventListener('abort', onEnd)
    unwatch()
    unlisten()
  }
}
