import type { Broker } from '#shared/bus/connection.ts'
import { askHolds } from '#shared/bus/worker-holds.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'

const ANSWER_MS = 1 * SECOND
/** Number of questions to a worker that listens but does not answer: it is frozen, or starved by its machine. */
const TRIES = 3
/**
 * Time after the broker's return in which the holder may still be reconnecting: until it is over, nobody listening
 * proves nothing.
 */
export const RECONNECT_MS = 5 * SECOND
const ASK_AGAIN_MS = 250

/**
 * Asks a worker whether it still runs a job. A worker counts as dead if it does not listen, or listens and never
 * answers.
 */
export async function askHolder(broker: Broker, clock: Clock, workerId: string, jobId: string): Promise<boolean> {
  for (let silences = 0; silences < TRIES; ) {
    const answer = await askHolds(broker, workerId, jobId, ANSWER_MS)
    if (answer === 'yes' || answer === 'no') return answer === 'yes'
    const isSettled = broker.isUp() && clock.monotonic() - broker.upSinceMs() > RECONNECT_MS
    if (answer === 'nobody' && isSettled) return false
    if (answer === 'silence' && isSettled) silences++
    await sleep(ASK_AGAIN_MS)
  }
  return false
}
