import type { Delivery } from '#shared/bus/puller.ts'
import { CONTRACT_VERSION, HEADERS } from '#shared/contracts/log/events.ts'

/** The sequence after which a trigger may start its job: the header `Hasty-After`, or the trigger's own sequence. */
export const triggerAfter = (delivery: Delivery): number => Number(delivery.header(HEADERS.after) || delivery.seq)

/** The version of the contract that the trigger was written under. */
export const contractVersionOf = (delivery: Delivery): number =>
  Number(delivery.header(HEADERS.contract) || CONTRACT_VERSION)
