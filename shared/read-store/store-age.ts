import type { Stream } from '#shared/bus/stream.ts'
import type { StoreAge } from '#shared/contracts/http/job-list.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import type { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import { type Clock, isoTime, orNullWithin } from '#shared/time/clock.ts'

export interface StoreAgeDeps {
  view: Pick<ProjectionView, 'refresh'>
  /** The log of jobs. */
  stream: Pick<Stream, 'state'>
  broker: { isUp(): boolean }
  clock: Clock
}

/** How long the broker may take to say how long the log is; then the answer rests on the checkpoint alone. */
const BROKER_MS = 250

/**
 * How old what the store says may be. Ask before the store is read: what is read afterwards is no older.
 * @throws AppError `unavailable`
 */
export async function storeAge({ view, stream, broker, clock }: StoreAgeDeps): Promise<StoreAge> {
  const nowMs = clock.now()
  const [checkpoint, log] = await Promise.all([
    view.refresh().catch(cannotRead('The store')),
    broker.isUp() ? orNullWithin(BROKER_MS, stream.state()) : null,
  ])
  if (checkpoint === null) return { as_of: null, lag_ms: null }
  // Whatever was in the log when this began has been applied. While another log is read anew, sequences say nothing.
  const isCurrent = log !== null && log.created === checkpoint.stream_created && checkpoint.seq >= log.lastSeq
  if (isCurrent) return { as_of: isoTime(nowMs), lag_ms: 0 }
  const { as_of: asOf = '' } = checkpoint
  if (asOf === '') return { as_of: null, lag_ms: null }
  return { as_of: asOf, lag_ms: Math.max(0, Math.round(nowMs - Date.parse(asOf))) }
}
