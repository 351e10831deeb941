import { LANES_CHANGED, LANES_CHANGING } from '#shared/contracts/log/subjects.ts'
import { sleep } from '#shared/time/clock.ts'
import type { Broker } from '../connection.ts'

/** Far more than a message takes to every worker that is not stuck. */
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
  onChanging?(type: string): void
  onChanged(type: string): void
}

/** @returns a function that stops the watch */
export function watchLaneChanges(broker: Broker, watcher: LaneWatcher): () => void {
  const watch = (subject: string, onType: (type: string) => void) =>
    broker.nc.subscribe(subject, {
      // With an error, such as a right that this user lacks, there is no message.
      callback: (error: Error | null, message) => {
        if (error === null) onType(message.string())
      },
    })
  const subscriptions = [
    watch(LANES_CHANGED, (type) => watcher.onChanged(type)),
    // Only where it is listened to, because it takes a right of its own.
    ...(watcher.onChanging === undefined ? [] : [watch(LANES_CHANGING, (type) => watcher.onChanging?.(type))]),
  ]
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
}
