import { ALL_LANES } from '#shared/bus/lanes/lanes.ts'
import { JOBS_STREAM, type JobAddress, laneName } from '#shared/contracts/log/subjects.ts'
import type { Delivery } from './puller.ts'

/**
 * Where a delivery of a lane is acked, for a process that did not get it: the lane's priority and the numbers of the
 * broker. Empty where the broker's subjects name a domain, and nobody else can ack.
 */
export function ackPlaceOf({ ackSubject }: Pick<Delivery, 'ackSubject'>, { type }: Pick<JobAddress, 'type'>): string {
  const lane = ALL_LANES.find((priority) => ackSubject.startsWith(`${ackPrefix(type, priority)}.`))
  return lane === undefined ? '' : `${lane}${ackSubject.slice(ackPrefix(type, lane).length)}`
}

const PLACE = /^(high|normal|low|any)\.\d{1,20}\.(\d{1,20})\.\d{1,20}\.\d{1,20}\.\d{1,20}$/

/** @returns the subject; empty for a place that is none, or that is not this message's */
export function ackSubjectAt(place: string, { type }: Pick<JobAddress, 'type'>, seq: number): string {
  const [, lane, messageSeq] = PLACE.exec(place) ?? []
  const known = ALL_LANES.find((priority) => priority === lane)
  if (known === undefined || Number(messageSeq) !== seq) return ''
  return `${ackPrefix(type, known)}${place.slice(known.length)}`
}

const ackPrefix = (type: string, lane: (typeof ALL_LANES)[number]): string =>
  `$JS.ACK.${JOBS_STREAM}.${laneName(type, lane)}`
