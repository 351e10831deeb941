import type { Delivery } from '#shared/bus/puller.ts'
import { MINUTE, SECOND } from '#shared/time/clock.ts'

/** How long what could not be done waits to be tried again: one second, then twice as long each time, up to a minute. */
export const redeliveryDelayMs = ({ deliveries }: Pick<Delivery, 'deliveries'>): number =>
  Math.min(SECOND * 2 ** Math.min(deliveries - 1, 10), MINUTE)
