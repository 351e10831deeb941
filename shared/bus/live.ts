import { LIVE_PREFIX, type ParsedSubject, parseSubject } from '#shared/contracts/log/subjects.ts'
import type { Broker } from './connection.ts'

/** The news that an event was stored. Its content is in the log. */
export interface LiveEvent {
  seq: number
  subject: ParsedSubject
}

/**
 * Reports events stored from now on, at most once each: a broken connection loses some, so a caller that must not miss
 * one reads the log again after `onReconnect`.
 * @param filter of history subjects, such as `*.sleep.*.*`
 * @returns a function that stops the watch
 */
export function watchLive(broker: Broker, filter: string, onEvent: (event: LiveEvent) => void): () => void {
  const subscription = broker.nc.subscribe(`${LIVE_PREFIX}${filter}`, {
    // With an error, such as a right that this user lacks, there is no message.
    callback: (error: Error | null, message) => {
      if (error !== null) return
      const subject = parseSubject(message.subject.slice(LIVE_PREFIX.length))
      const seq = Number(message.headers?.get('Nats-Sequence'))
      if (subject !== null && Number.isInteger(seq)) onEvent({ seq, subject })
    },
  })
  return () => subscription.unsubscribe()
}
