import type { Broker } from '#shared/bus/connection.ts'
import { askHolds } from '#shared/bus/worker-holds.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'

const ANSWER_MS = 1 * SECOND
/** A worker that listens but does not answer is frozen, or starved by its machine: it is asked this often. */
const TRIES = 3
/** After the broker's return the holder may still be reconnecting: that nobody listens says nothing before this time is over. */
const RECONNECT_MS = 5 * SECOND
const ASK_AGAIN_MS = 250

/** Asks a worker whether it still runs a job. Dead is who does not listen, or listens and never answers. */
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
