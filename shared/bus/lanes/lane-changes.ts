import { LANES_CHANGED, LANES_CHANGING } from '#shared/contracts/log/subjects.ts'
import { sleep } from '#shared/time/clock.ts'
import type { Broker } from '../connection.ts'

/** More than a worker's START_GRACE_MS by default, after which a start is in the log. */
const HEARD_WITHIN_MS = 250

/**
 * Tells the workers that the lanes of a type will be replaced, and waits until they have had the time to store what they
 * started without the log. A worker that does not hear it is fenced: the job's history takes one start alone.
 */
export async function tellLanesChanging(broker: Broker, type: string): Promise<void> {
  broker.outbox.send(LANES_CHANGING, type)
  await sleep(HEARD_WITHIN_MS)
}

/**
 * Tells the workers that the lanes of a type were changed or resumed. Only a hint that saves time: a pull that waits at
 * a paused lane is not woken when the lane is resumed, and would find the waiting messages only when its time is up.
 */
export function tellLanesChanged(broker: Broker, type: string): void {
  broker.outbox.send(LANES_CHANGED, type)
}

export interface LaneWatcher {
  onChanging(type: string): void
  onChanged(type: string): void
}

/** @returns a function that stops the watch */
export function watchLaneChanges(broker: Broker, watcher: LaneWatcher): () => void {
  const subscriptions = [
    broker.nc.subscribe(LANES_CHANGING, { callback: (_error, message) => watcher.onChanging(message.string()) }),
    broker.nc.subscribe(LANES_CHANGED, { callback: (_error, message) => watcher.onChanged(message.string()) }),
  ]
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
}
