import { holdsSubject } from '#shared/contracts/log/subjects.ts'
import type { Broker } from './connection.ts'

/** Answers requests whether this worker still runs a job. Resolves when the broker knows about the subscription. */
export async function answerHolds(broker: Broker, workerId: string, isHeld: (jobId: string) => boolean): Promise<void> {
  broker.nc.subscribe(holdsSubject(workerId), {
    callback: (_error, message) => {
      if (message.data.length > 0) message.respond(isHeld(message.string()) ? 'yes' : 'no')
    },
  })
  await broker.nc.flush()
}

/** `silence`: the worker listens but did not answer in time. `nobody`: nobody listens. */
export type HoldsAnswer = 'yes' | 'no' | 'silence' | 'nobody'

/** Asks a worker whether it still runs a job. @param withinMs how long the worker may take to answer */
export async function askHolds(
  broker: Broker,
  workerId: string,
  jobId: string,
  withinMs: number,
): Promise<HoldsAnswer> {
  try {
    const reply = await broker.nc.request(holdsSubject(workerId), jobId, { timeout: withinMs })
    return reply.string() === 'yes' ? 'yes' : 'no'
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'silence' : 'nobody'
  }
}

/** Tells the broker that a delivery is still being worked on: its ack wait begins anew. */
export const renewDelivery = (broker: Broker, ackSubject: string): void => broker.nc.publish(ackSubject, '+WPI')
