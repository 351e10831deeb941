import type { Broker } from '#shared/bus/connection.ts'
import { DeliveryLoop } from '#shared/bus/delivery-loop.ts'
import { type Delivery, LanePuller } from '#shared/bus/lane-puller.ts'
import { parseEvent } from '#shared/bus/log-reader.ts'
import { readBatch } from '#shared/bus/read-batch.ts'
import type { JobEvent } from '#shared/contracts/events.ts'
import { historyFilter, JOB_ENDS, type JobAddress, parseSubject } from '#shared/contracts/subjects.ts'
import { SECOND } from '#shared/runtime/clock.ts'
import { changeRequest } from './change-request.ts'
import { parseObjectId, taskJobId } from './task-address.ts'
import { taskEndOf } from './task-end.ts'
import type { TaskJobs, TaskJobsDeps } from './task-jobs.ts'

export interface JobEndsDeps extends TaskJobsDeps {
  broker: Broker
  taskJobs: TaskJobs
  /** false: jobs are made at their times alone. */
  jobsAtOnce: boolean
}

const AGAIN_MS = 1 * SECOND

/** Tells requests of the ends of their jobs; acked once the request has it in its record. */
export function createJobEnds(deps: JobEndsDeps): DeliveryLoop {
  const puller = new LanePuller(deps.broker)
  return new DeliveryLoop({
    broker: deps.broker,
    puller,
    consumer: JOB_ENDS,
    async onDelivery(delivery) {
      await tellRequest(deps, delivery)
      puller.ack(delivery)
    },
    onError(error, delivery) {
      deps.log.warn({ err: error, subject: delivery.subject }, 'the end of a job could not be told to its request')
      puller.nak(delivery, AGAIN_MS)
    },
  })
}

const HISTORY_AT_ONCE = 200

async function tellRequest(deps: JobEndsDeps, delivery: Delivery): Promise<void> {
  const end = parseEvent(delivery.body)
  const address = parseSubject(delivery.subject)
  if (end === null || address === null) {
    deps.log.error({ subject: delivery.subject, seq: delivery.seq }, 'the end of a job cannot be read')
    return
  }
  // Nearly all are nobody's; one without an object_id is the end of a job that its worker could not read.
  if (end.object_id !== '' && parseObjectId(end.object_id) === null) return
  const history = [...(await readHistory(deps, address, delivery.seq)), { seq: delivery.seq, event: end }]
  const owner = parseObjectId(history[0]?.event.object_id ?? '')
  if (owner === null || address.job_id !== taskJobId(owner.requestId, owner.task)) return
  const input = { kind: 'task-ended', task: owner.task, end: taskEndOf(history) } as const
  const stored = await changeRequest(deps, owner.requestId, input)
  // The next step begins here at once; were this process to die now, the record's own delivery would do it.
  if (stored !== null && deps.jobsAtOnce) await deps.taskJobs.see(stored)
}

type History = { seq: number; event: JobEvent }[]

/** What the log still has of the job before its end: of a long history the first events, in one request. */
async function readHistory({ broker }: JobEndsDeps, address: JobAddress, endSeq: number): Promise<History> {
  const { messages } = await readBatch(broker, historyFilter(address), 1, HISTORY_AT_ONCE)
  return messages.flatMap(({ seq, body }) => {
    const event = seq < endSeq ? parseEvent(body) : null
    return event === null ? [] : [{ seq, event }]
  })
}
