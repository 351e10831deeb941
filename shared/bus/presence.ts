import type { Msg } from '@nats-io/transport-node'
import { WHO_WORKS } from '#shared/contracts/log/subjects.ts'
import { type WorkerPresence, workerPresenceSchema } from '#shared/contracts/log/worker-presence.ts'
import type { Broker } from './connection.ts'

/**
 * Answers requests for the list of workers, for this process and for the workers that it speaks for.
 * @returns a function that stops the answers
 */
export function answerPresence(broker: Broker, describe: () => WorkerPresence): () => void {
  const subscription = broker.nc.subscribe(WHO_WORKS, {
    callback: (_error, message) => {
      message.respond(JSON.stringify(describe()))
    },
  })
  return () => subscription.unsubscribe()
}

export interface AskWorkersOptions {
  waitMs: number
  /** Ends the wait early; by default no worker does. */
  isEnough?: (worker: WorkerPresence) => boolean
  /** Ends the wait too, when for so long after an answer no other one has come; by default nothing but `waitMs` does. */
  quietMs?: number
}

/** Asks all workers at once. Those that do not answer in time (busy, frozen, gone) are left out. */
export function askWorkers(
  broker: Broker,
  { waitMs, isEnough = () => false, quietMs = waitMs }: AskWorkersOptions,
): Promise<WorkerPresence[]> {
  return new Promise((resolve) => {
    const workers: WorkerPresence[] = []
    const inbox = broker.newInbox()
    let quiet: NodeJS.Timeout | undefined
    const end = () => {
      clearTimeout(timer)
      clearTimeout(quiet)
      subscription.unsubscribe()
      resolve(workers)
    }
    const onAnswer = (message: Msg) => {
      // "No responders": nobody listens, so nobody will answer.
      if (message.headers?.code === 503) {
        end()
        return
      }
      const worker = readPresence(message)
      if (worker === null) return
      const all = [worker, ...worker.http_workers.map(asWorker)]
      workers.push(...all)
      clearTimeout(quiet)
      if (all.some(isEnough)) end()
      else quiet = setTimeout(end, quietMs)
    }
    const timer = setTimeout(end, waitMs)
    const subscription = broker.nc.subscribe(inbox, { callback: (_error, message) => onAnswer(message) })
    broker.outbox.send(WHO_WORKS, '', { reply: inbox })
  })
}

const LOOK_MS = 300
/** Workers answer at about the same time: a pause means that there are no more. */
const LOOK_QUIET_MS = 20

/** All workers that answer now, for somebody who looks at a page. */
export const lookForWorkers = (broker: Broker): Promise<WorkerPresence[]> =>
  askWorkers(broker, { waitMs: LOOK_MS, quietMs: LOOK_QUIET_MS })

/** One that another process speaks for. */
const asWorker = (worker: WorkerPresence['http_workers'][number]): WorkerPresence => ({
  ...worker,
  abandoned_types: [],
  http_workers: [],
  lends: false,
})

function readPresence(message: Msg): WorkerPresence | null {
  try {
    const parsed = workerPresenceSchema.safeParse(message.json())
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
