import { LIVE_PREFIX, type ParsedSubject, parseSubject } from '#shared/contracts/log/subjects.ts'
import type { Broker } from './connection.ts'

/** That an event was stored. What it says is in the log. */
export interface LiveEvent {
  seq: number
  subject: ParsedSubject
}

/**
 * What is stored from now on, at most once: a broken connection loses events, so whoever must not miss one reads the
 * log again after `onReconnect`.
 * @param filter of history subjects, as in `*.sleep.*.*`
 * @returns how to stop it
 */
export function watchLive(broker: Broker, filter: string, onEvent: (event: LiveEvent) => void): () => void {
  const subscription = broker.nc.subscribe(`${LIVE_PREFIX}${filter}`, {
    callback: (_error, message) => {
      const subject = parseSubject(message.subject.slice(LIVE_PREFIX.length))
      const seq = Number(message.headers?.get('Nats-Sequence'))
      if (subject !== null && Number.isInteger(seq)) onEvent({ seq, subject })
    },
  })
  return () => subscription.unsubscribe()
}
