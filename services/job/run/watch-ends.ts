import type { Broker } from '#shared/bus/connection.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import { watchLive } from '#shared/bus/live.ts'
import { isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { ExclusiveDeliveries } from '../pull/exclusive-deliveries.ts'
import type { Hold } from './hold.ts'

export interface WatchEndsDeps {
  broker: Broker
  history: JobHistory
  held: ReadonlyMap<string, Hold>
  exclusive: Pick<ExclusiveDeliveries, 'cancelled'>
  log: Logger
}

/**
 * Tells the handlers of this worker that their job was cancelled, whoever cancelled it. Only stored events count: those
 * on the live subjects, and after a broken connection those in the log.
 * @returns a function that stops the watch
 */
export function watchEnds(deps: WatchEndsDeps): () => void {
  const unwatch = watchLive(deps.broker, 'job:cancelled.*.*.*', ({ subject, seq }) => {
    deps.exclusive.cancelled(subject.type, seq)
    const hold = deps.held.get(subject.job_id)
    if (hold !== undefined && seq > hold.seq) hold.end()
  })
  const unlisten = deps.broker.onReconnect(() => {
    for (const hold of deps.held.values()) {
      endIfOver(deps.history, hold).catch((error: unknown) =>
        deps.log.debug({ err: error, job_id: hold.job.job_id }, 'could not check whether a held job was cancelled'),
      )
    }
  })
  return () => {
    unwatch()
    unlisten()
  }
}

async function endIfOver(history: JobHistory, hold: Hold): Promise<void> {
  const last = await history.last(hold.job)
  if (last !== null && last.seq > hold.seq && isTerminalEvent(last.event)) hold.end()
}
