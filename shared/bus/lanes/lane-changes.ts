import { LANES_CHANGED } from '#shared/contracts/log/subjects.ts'
import type { Broker } from '../connection.ts'

// Only a hint that saves time: a pull that waits at a paused lane is not woken when the lane is resumed, and would find
// the waiting messages only when its time is up.

export function tellLanesChanged(broker: Broker, type: string): void {
  broker.outbox.send(LANES_CHANGED, type)
}

/** @returns a function that stops the watch */
export function watchLaneChanges(broker: Broker, onChange: (type: string) => void): () => void {
  const subscription = broker.nc.subscribe(LANES_CHANGED, {
    callback: (_error, message) => onChange(message.string()),
  })
  return () => subscription.unsubscribe()
}
