import type { Delivery } from '#shared/bus/puller.ts'
import { MINUTE, SECOND } from '#shared/time/clock.ts'

/** Pause before a failed delivery is tried again: one second, then twice as long each time, up to a minute. */
export const redeliveryDelayMs = ({ deliveries }: Pick<Delivery, 'deliveries'>): number =>
  Math.min(SECOND * 2 ** Math.min(deliveries - 1, 10), MINUTE)
