import type { Broker } from '#shared/bus/connection.ts'
import { DeliveryLoop } from '#shared/bus/delivery-loop.ts'
import { ConsumerPuller, type Delivery } from '#shared/bus/puller.ts'
import { REQUEST_CHANGES, REQUESTS_STREAM, requestIdOf } from '#shared/contracts/log/subjects.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'
import { DAY, MINUTE, SECOND } from '#shared/time/clock.ts'
import type { TaskEnd } from '../decide/end-task.ts'
import { patchBetween } from '../decide/merge-patch.ts'
import { allTasks, isRunning, type RequestRecord } from '../decide/record.ts'
import { toRow } from '../requests/request-row.ts'
import { changeRequest } from './change-request.ts'
import { CoalescingQueue } from './coalescing-queue.ts'
import type { PickUpTimes } from './pick-up-times.ts'
import { redeliveryDelayMs } from './redelivery-delay.ts'
import { isEmptied, type StoredRequest } from './request-records.ts'
import { type RequestTimes, requestWaitMs } from './request-wait.ts'
import type { TaskJobs, TaskJobsDeps } from './task-jobs.ts'

export interface RequestChangesDeps extends TaskJobsDeps {
  broker: Broker
  taskJobs: TaskJobs
  store: Pick<RequestStore, 'putNewer'>
  /** When the stream of requests was created, milliseconds: another stream counts versions from the start. */
  generation(): Promise<number>
  handedBack: Counter<'consumer'>
  times: RequestTimes & { jobs: PickUpTimes }
}

/** Time after which a version that seemed to be replaced is looked at if it is still there. */
const REPLACED_MS = 30 * SECOND
/** Longest time for which the broker keeps a delivery that was handed back; then it is looked at again. */
const REST_MAX_MS = 1 * DAY
/** Limit for waits that depend on settings: a delivery must not wait for the times of before a restart. */
const REST_FOR_TIMES_MAX_MS = 5 * MINUTE

/**
 * Follows each new version of each request: writes it to the store, and carries out what it requires. Acked when
 * nothing is left to do until the next change, so whatever a crash leaves undone is done by the next replica that gets
 * it. A delivery that waits for a time is handed back until then.
 */
export function createRequestChanges(deps: RequestChangesDeps): DeliveryLoop {
  const areAtOnce = Object.values(deps.times).every(({ isAtOnce }) => isAtOnce)
  const restMaxMs = areAtOnce ? REST_MAX_MS : REST_FOR_TIMES_MAX_MS
  const puller = new ConsumerPuller(deps.broker, REQUESTS_STREAM)
  const rows: StoreQueue = new CoalescingQueue()
  return new DeliveryLoop({
    broker: deps.broker,
    puller,
    consumer: REQUEST_CHANGES,
    async onDelivery(delivery) {
      const restMs = await follow(deps, rows, delivery)
      if (restMs === null) puller.ack(delivery)
      else puller.nak(delivery, Math.max(1, Math.min(Math.ceil(restMs), restMaxMs)))
    },
    onError(error, delivery) {
      deps.log.warn({ err: error, subject: delivery.subject }, 'could not follow a request, will retry')
      deps.handedBack.inc({ consumer: 'request-changes' })
      puller.nak(delivery, redeliveryDelayMs(delivery))
    },
  })
}

/** @returns milliseconds until the request must be looked at again; null: when it changes */
async function follow(deps: RequestChangesDeps, rows: StoreQueue, delivery: Delivery): Promise<number | null> {
  if (isEmptied(delivery)) return null
  const known = deps.records.known(requestIdOf(delivery.subject))
  // A later version is delivered too, and requires all that is left to do of this one. Handed back and not acked: if the
  // stream went back, as after a restore, there is no later one, and this one comes again.
  const isReplaced = (known?.seq ?? 0) > delivery.seq
  if (isReplaced && delivery.deliveries === 1) return REPLACED_MS
  // Nearly always it was written here, and need not be read again.
  const stored = known?.seq === delivery.seq ? known : { seq: delivery.seq, record: parseRecord(delivery) }
  const { record } = stored
  await rows.add('all', toRow(stored, await deps.generation()), (together) => deps.store.putNewer(together))
  await tellParent(deps, record)
  const jobsWaitMs = deps.times.jobs.waitMs(Date.parse(record.updated_at), deps.clock.now())
  await (jobsWaitMs === 0 ? deps.taskJobs.reconcile(stored) : deps.taskJobs.reconcileCancelled(stored))
  // Only after the store and the parent have its end, and none of its jobs runs any more.
  if (record.finished_at !== null && !allTasks(record).some(isRunning)) await deps.records.empty(stored)
  const waits = [jobsWaitMs === 0 ? null : jobsWaitMs, await advance(deps, stored)]
  const rests = waits.filter((wait) => wait !== null)
  return rests.length === 0 ? null : Math.min(...rests)
}

const parseRecord = ({ body }: Delivery): RequestRecord => JSON.parse(body) as RequestRecord

/** Versions of requests that come together are written to the store together. */
type StoreQueue = CoalescingQueue<ReturnType<typeof toRow>, void>

/** Reports the end of a child request to its parent as the end of a task. */
async function tellParent(deps: RequestChangesDeps, record: RequestRecord): Promise<void> {
  if (record.parent === null || record.finished_at === null) return
  const status = END_STATUS[record.status]
  if (status === undefined) return
  const end = {
    status,
    attempts: [],
    // The child's own changes, and not the extras given to it: jobs beside it may have changed those since.
    result: { extras: patchBetween(record.began_with ?? {}, record.extras), result: { request_id: record.request_id } },
    error: record.error,
    at: record.finished_at,
  }
  const stored = await changeRequest(deps, record.parent.request_id, {
    kind: 'task-ended',
    task: record.parent.task,
    end,
  })
  if (stored !== null && deps.times.jobs.isAtOnce) await deps.taskJobs.reconcile(stored)
}

const END_STATUS: Partial<Record<RequestRecord['status'], TaskEnd['status']>> = {
  completed: 'completed',
  failed: 'failure',
  cancelled: 'cancelled',
}

async function advance(deps: RequestChangesDeps, { record }: StoredRequest): Promise<number | null> {
  const waitMs = requestWaitMs(deps.times, record, deps.clock.now())
  if (waitMs === null || waitMs > 0) return waitMs
  const input = record.status === 'queuing' ? ({ kind: 'pick-up' } as const) : ({ kind: 'time' } as const)
  const stored = await changeRequest(deps, record.request_id, input)
  if (stored !== null && deps.times.jobs.isAtOnce) await deps.taskJobs.reconcile(stored)
  return null
}
