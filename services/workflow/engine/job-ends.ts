import type { Broker } from '#shared/bus/connection.ts'
import { DeliveryLoop } from '#shared/bus/delivery-loop.ts'
import { ConsumerPuller, type Delivery } from '#shared/bus/puller.ts'
import { type LoggedMessage, readEvent } from '#shared/bus/read-event.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { LoggedEvent } from '#shared/contracts/log/events.ts'
import { historyFilter, JOB_ENDS, type JobAddress, parseSubject } from '#shared/contracts/log/subjects.ts'
import { taskOf } from '#shared/ids/task-address.ts'
import type { Counter } from '#shared/process/metrics.ts'
import { changeRequest } from './change-request.ts'
import { redeliveryDelayMs } from './redelivery-delay.ts'
import { taskEndOf } from './task-end.ts'
import type { TaskJobs, TaskJobsDeps } from './task-jobs.ts'

export interface JobEndsDeps extends TaskJobsDeps {
  broker: Broker
  /** The log of jobs. */
  stream: Pick<Stream, 'lastOfEach' | 'readBatch'>
  taskJobs: TaskJobs
  /** false: jobs are created only at their configured times. */
  jobsAtOnce: boolean
  handedBack: Counter<'consumer'>
}

/** Reports the ends of jobs to their requests; an end is acked once the request has it in its record. */
export function createJobEnds(deps: JobEndsDeps): DeliveryLoop {
  const puller = new ConsumerPuller(deps.broker)
  return new DeliveryLoop({
    broker: deps.broker,
    puller,
    consumer: JOB_ENDS,
    async onDelivery(delivery) {
      await tellRequest(deps, delivery)
      puller.ack(delivery)
    },
    onError(error, delivery) {
      deps.log.warn(
        { err: error, subject: delivery.subject },
        'could not report the end of a job to its request, will retry',
      )
      deps.handedBack.inc({ consumer: 'job-ends' })
      puller.nak(delivery, redeliveryDelayMs(delivery))
    },
  })
}

const HISTORY_AT_ONCE = 200
/** Number of events that are read of a job that reports progress for hours; later ones are ignored. */
const HISTORY_MAX = 5_000

async function tellRequest(deps: JobEndsDeps, delivery: Delivery): Promise<void> {
  const end = readEvent(delivery)
  const address = parseSubject(delivery.subject)
  if (end === null || address === null) {
    deps.log.error({ subject: delivery.subject, seq: delivery.seq }, 'an end belongs to no job')
    return
  }
  // Nearly all jobs belong to no request; an end without an object_id is that of a job that its worker could not read.
  if (end.object_id !== '' && taskOf(address.job_id, end.object_id) === null) return
  const before = isWholeHistory(end) ? [] : await readHistory(deps, address, delivery.seq)
  const history = [...before, { seq: delivery.seq, event: end }]
  const owner = taskOf(address.job_id, history[0]?.event.object_id ?? '')
  if (owner === null) return
  const input = { kind: 'task-ended', task: owner.task, end: taskEndOf(history) } as const
  const stored = await changeRequest(deps, owner.requestId, input)
  // The next step starts here at once; if this process dies now, the record's own delivery starts it.
  if (stored !== null && deps.jobsAtOnce) await deps.taskJobs.reconcile(stored)
}

/** Whether nothing came between the creation and the end of a job: the end of a short attempt tells all there is. */
const isWholeHistory = (end: LoggedEvent): boolean =>
  (end.event === 'job:finished' || end.event === 'job:failed') && end.started_at !== undefined && end.attempt === 1

type History = { seq: number; event: LoggedEvent }[]

/** The events before its end that the log still has of a job, as far as they tell of attempts. */
async function readHistory({ stream }: JobEndsDeps, address: JobAddress, endSeq: number): Promise<History> {
  const filter = historyFilter(address)
  const messages = await stream.lastOfEach(filter)
  // Any replica of a cluster may answer, even one that is behind.
  if (messages.every(({ seq }) => seq < endSeq)) throw lagging()
  const lastOfEach = messages.flatMap((message) => eventBefore(endSeq, message))
  // The events of a later round hide those of this one.
  const isLast = messages.every(({ seq }) => seq <= endSeq)
  return isLast && wasTriedOnce(lastOfEach) ? lastOfEach : readWholeHistory(stream, filter, endSeq)
}

/** Whether the job had one attempt, like nearly all: then the last event of each kind tells everything. */
const wasTriedOnce = (events: History): boolean =>
  events.every(({ event }) =>
    event.event === 'job:started' || event.event === 'job:created'
      ? event.attempt === 1 && event.crashes === 0
      : event.event === 'job:progress',
  )

async function readWholeHistory(stream: JobEndsDeps['stream'], filter: string, endSeq: number): Promise<History> {
  const history: History = []
  for (let from = 1; history.length < HISTORY_MAX; ) {
    const { messages, isMore } = await stream.readBatch({ filter, fromSeq: from, limit: HISTORY_AT_ONCE })
    history.push(...messages.flatMap((message) => eventBefore(endSeq, message)))
    const last = messages.at(-1)
    if (last !== undefined && last.seq >= endSeq) break
    if (last === undefined || !isMore) throw lagging()
    from = last.seq + 1
  }
  return history
}

const lagging = (): Error => new Error('the log does not show the end of the job yet')

function eventBefore(endSeq: number, message: LoggedMessage): History {
  const event = message.seq < endSeq ? readEvent(message) : null
  return event === null ? [] : [{ seq: message.seq, event }]
}
