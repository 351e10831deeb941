import type { Broker } from '#shared/bus/connection.ts'
import { holdsSubject } from '#shared/contracts/subjects.ts'
import { type Clock, SECOND, sleep } from '#shared/runtime/clock.ts'

const ANSWER_MS = 1 * SECOND
/** After the broker's return the holder may still be reconnecting: silence says nothing before this time is over. */
const RECONNECT_MS = 3 * SECOND
const ASK_AGAIN_MS = 250

/** Asks a worker whether it still runs a job. Silence means dead, except right after a reconnect of our own. */
export async function askHolder(broker: Broker, clock: Clock, workerId: string, jobId: string): Promise<boolean> {
  for (;;) {
    const answer = await ask(broker, workerId, jobId)
    if (answer !== null) return answer
    if (broker.isUp() && clock.monotonic() - broker.upSinceMs() > RECONNECT_MS) return false
    await sleep(ASK_AGAIN_MS)
  }
}

async function ask(broker: Broker, workerId: string, jobId: string): Promise<boolean | null> {
  try {
    const reply = await broker.nc.request(holdsSubject(workerId), jobId, { timeout: ANSWER_MS })
    return reply.string() === 'yes'
  } catch {
    return null
  }
}
