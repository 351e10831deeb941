import { LANES_CHANGED } from '#shared/contracts/log/subjects.ts'
import type { Broker } from '../connection.ts'

// A hint that saves time, no more: a pull that waits at a paused lane is not woken when the lane is resumed, and would
// find what waits there only when its time is up.

export function tellLanesChanged(broker: Broker, type: string): void {
  broker.outbox.send(LANES_CHANGED, type)
}

/** @returns how to stop it */
export function watchLaneChanges(broker: Broker, onChange: (type: string) => void): () => void {
  const subscription = broker.nc.subscribe(LANES_CHANGED, {
    callback: (_error, message) => onChange(message.string()),
  })
  return () => subscription.unsubscribe()
}
