import type { JobEvent } from '#shared/contracts/log/events.ts'
import { SECOND } from '#shared/time/clock.ts'
import { Signal } from '#shared/time/signal.ts'
import type { Broker } from './connection.ts'
import { watchLive } from './live.ts'
import { readEvent } from './read-event.ts'
import { Stream } from './stream.ts'

export interface FollowOptions {
  /** Filter of history subjects, such as `*.sleep.*.*`. */
  filter: string
  /** Stream sequence after which the first event is wanted. */
  afterSeq: number
  signal: AbortSignal
}

export interface FollowedEvent {
  seq: number
  event: JobEvent
}

/** Number of messages that are read at once. */
export const BATCH = 256
/** Longest pause between two looks: a lost wake-up costs no more than this. */
export const LOOK_AT_LEAST_EVERY_MS = 5 * SECOND

/**
 * Every event on the filter, in the order of the log, without gap or repeat, for as long as the reader asks for more; a
 * reader that does not ask costs nothing. The live subjects only say that there is something new: the events themselves
 * come from the log. Yields null when `idleMs` went by without an event. Events that cannot be read are left out, except
 * the end of a job.
 * @throws when the log cannot be read
 */
export async function* followLog(
  broker: Broker,
  options: FollowOptions,
  idleMs: number,
): AsyncGenerator<FollowedEvent | null, void, undefined> {
  const stream = new Stream(broker)
  const news = new Signal()
  const unwatch = watchLive(broker, options.filter, () => news.raise())
  const unlisten = broker.onReconnect(() => news.raise())
  const onAbort = () => news.raise()
  options.signal.addEventListener('abort', onAbort)
  try {
    for (let last = options.afterSeq, quietMs = 0; !options.signal.aborted; ) {
      const startedAt = last
      for await (const { seq, event } of readOn(stream, options.filter, last + 1)) {
        last = seq
        if (event !== null) yield { seq, event }
        if (options.signal.aborted) return
      }
      if (last !== startedAt) {
        quietMs = 0
        continue
      }
      const waitMs = Math.min(LOOK_AT_LEAST_EVERY_MS, idleMs)
      if (await news.waitFor(waitMs)) continue
      quietMs += waitMs
      if (quietMs < idleMs) continue
      quietMs = 0
      yield null
    }
  } finally {
    options.signal.removeEventListener('abort', onAbort)
    unwatch()
    unlisten()
  }
}

/**
 * A limited number of messages that the log holds on the filter now, from a sequence on.
 * @returns the readable events, the last sequence that was looked at (null: nothing is there), and whether the limit
 * was reached
 */
export async function readLogFrom(
  stream: Pick<Stream, 'readBatch'>,
  filter: string,
  fromSeq: number,
  limit: number,
): Promise<{ events: FollowedEvent[]; lastSeq: number | null; isMore: boolean }> {
  const events: FollowedEvent[] = []
  let lastSeq: number | null = null
  let left = limit
  for await (const { seq, event } of readOn(stream, filter, fromSeq, Math.min(limit, BATCH))) {
    lastSeq = seq
    if (event !== null) events.push({ seq, event })
    if (--left === 0) break
  }
  return { events, lastSeq, isMore: left === 0 }
}

/**
 * The same for a reader that must know that there is nothing before it goes on after `upToSeq`, which the log has
 * reached: a batch may come from a replica that lags behind, so where it is empty, the leader is asked.
 */
export async function readLogUpTo(
  stream: Pick<Stream, 'readBatch' | 'nextOf'>,
  filter: string,
  fromSeq: number,
  upToSeq: number,
): Promise<{ events: FollowedEvent[]; lastSeq: number }> {
  const { events, lastSeq } = await readLogFrom(stream, filter, fromSeq, BATCH)
  if (lastSeq !== null) return { events, lastSeq }
  const next = await stream.nextOf(filter, fromSeq)
  if (next === null || next.seq > upToSeq) return { events: [], lastSeq: upToSeq }
  const { seq } = next
  const event = readEvent(next)
  return { events: event === null || event.event === 'unreadable' ? [] : [{ seq, event }], lastSeq: seq }
}

async function* readOn(
  stream: Pick<Stream, 'readBatch'>,
  filter: string,
  fromSeq: number,
  limit = BATCH,
): AsyncGenerator<{ seq: number; event: JobEvent | null }, void, undefined> {
  for (let from = fromSeq; ; ) {
    const { messages, isMore } = await stream.readBatch({ filter, fromSeq: from, limit })
    for (const message of messages) {
      const { seq } = message
      from = seq + 1
      const event = readEvent(message)
      yield { seq, event: event?.event === 'unreadable' ? null : event }
    }
    if (!isMore) return
  }
}
