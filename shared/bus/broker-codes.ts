import { JetStreamApiError } from '@nats-io/jetstream'

/** Error codes of the broker that decide what happens next. Source: nats-server 2.15, server/errors.json. */
const WRONG_LAST_SEQUENCE = new Set([10071, 10164])
/** A message of an atomic batch did not reach the broker's disk: nothing of the batch is stored. */
const BATCH_INCOMPLETE = 10176
/** Another write of the same subject or id is in flight (clusters), or too many batches: nothing is decided yet. */
const IN_FLIGHT = new Set([10164, 10158, 10210, BATCH_INCOMPLETE])
/** The broker's own limits: it takes messages again once the log is trimmed. */
const FULL = new Set([10023, 10047, 10077])

export const isWrongSequence = (code: number): boolean => WRONG_LAST_SEQUENCE.has(code)
export const isUndecided = (code: number): boolean => IN_FLIGHT.has(code)
export const isIncomplete = (code: number): boolean => code === BATCH_INCOMPLETE
export const isFull = (code: number): boolean => FULL.has(code)

/** An atomic batch holds a message whose id is known already. */
export const BATCH_DUPLICATE = 10201
/** An atomic batch holds more messages than the broker takes. */
export const BATCH_TOO_LARGE = 10199

export const CONSUMER_NOT_FOUND = 10014
export const STREAM_NOT_FOUND = 10059

/** The broker's durations are nanoseconds. */
export const MILLISECOND_NS = 1_000_000

/** @returns null where the broker answers that there is no such thing */
export async function found<T>(ask: () => Promise<T>, notFoundCode: number): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === notFoundCode) return null
    throw error
  }
}
