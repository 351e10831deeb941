import type { Broker } from '#shared/bus/connection.ts'
import { directGet } from '#shared/bus/direct-get.ts'
import { ackSubjects, askConsumer, handBackDelivery } from '#shared/bus/held-lists.ts'
import { ARM_TIMERS, JOBS_STREAM, laneName, parseSubject, STARTS } from '#shared/contracts/log/subjects.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import type { Neighbour } from './worker-ring.ts'

/** How much further back than the last list the log is read: the list was made before it was heard. */
const OVERLAP_MS = 500
const BATCH = 1_000
/** With more starts than these since the last list, the last jobs of the dead worker wait for their lease. */
const MAX_BATCHES = 20

/**
 * Hands back what a dead worker held: what its last list names, and what it started since, as the log tells. What was
 * settled in the meantime is not delivered again. A short attempt that the log does not tell of waits for its lease.
 * @returns the number of deliveries
 * @throws when the log cannot be read: the listed deliveries are handed back all the same
 */
export async function handBackHeld(broker: Broker, clock: Clock, dead: Neighbour): Promise<number> {
  for (const ackSubject of dead.held) handBackDelivery(broker, ackSubject)
  const started = await startedSince(broker, dead, clock.monotonic() - dead.heardMs + OVERLAP_MS)
  let more = 0
  for (const [consumer, triggers] of started) {
    const ackOf = await ackSubjects(broker, consumer)
    if (ackOf === null) continue
    for (const seq of triggers) {
      handBackDelivery(broker, ackOf(seq))
      more++
    }
  }
  await broker.flush()
  return dead.held.length + more
}

/** The triggers of the attempts that a worker started in the last time, by the lanes that may have brought them. */
async function startedSince(broker: Broker, dead: Neighbour, lastMs: number): Promise<Map<string, Set<number>>> {
  const { ts } = await askConsumer(broker, ARM_TIMERS)
  const listed = new Set(dead.held.map((ackSubject) => Number(ackSubject.split('.').at(-4))))
  const lanes = new Map<string, Set<number>>()
  let from: Record<string, unknown> = { start_time: isoTime(Date.parse(ts ?? '') - lastMs) }
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    const { messages, isMore } = await directGet(broker, JOBS_STREAM, { ...from, batch: BATCH, next_by_subj: STARTS })
    for (const { subject, body } of messages) {
      const job = body.includes(dead.workerId) ? parseSubject(subject) : null
      if (job === null) continue
      const { worker_id, trigger } = JSON.parse(body) as { worker_id?: unknown; trigger?: unknown }
      if (worker_id !== dead.workerId || typeof trigger !== 'number' || listed.has(trigger)) continue
      for (const priority of [job.priority, 'any'] as const) {
        const lane = laneName(job.type, priority)
        lanes.set(lane, (lanes.get(lane) ?? new Set()).add(trigger))
      }
    }
    const last = messages.at(-1)
    if (!isMore || last === undefined) break
    from = { seq: last.seq + 1 }
  }
  return lanes
}
