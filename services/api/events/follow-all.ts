import { readLogUpTo } from '#shared/bus/follow.ts'
import type { Stream, StreamState } from '#shared/bus/stream.ts'
import { ALL_HISTORY } from '#shared/contracts/log/subjects.ts'
import { type Clock, SECOND } from '#shared/time/clock.ts'
import { Signal } from '#shared/time/signal.ts'
import { EventWindow } from './event-window.ts'
import { COMMENT_EVERY_MS, type Position, type ServerSentEvent } from './server-sent-events.ts'
import type { SharedReader } from './shared-reader.ts'
import { type Chunk, chunkOf, type OwnerOf, shownEvent, type View } from './show-events.ts'
import type { Tail } from './tail.ts'

export interface FollowAllDeps {
  /** The log of jobs. */
  stream: Pick<Stream, 'state' | 'lastOf' | 'readBatch' | 'nextOf'>
  clock: Clock
  ownerOf: OwnerOf
  shared: SharedReader
}

/** Time after which a reader is told its position: a little less than that of a wait, because a timer may be early. */
const SILENT_MS = COMMENT_EVERY_MS - SECOND
/** A reader that takes longer to come to the window may have been overtaken by the end of the log that is trimmed. */
const CHECK_GAP_EVERY_MS = 5 * SECOND
/** The window of one batch, which is as large as the batch. */
const NO_LIMITS = { maxEvents: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }

/**
 * The events of a view, from now on or after a sequence, many of them as one piece where they come close together.
 * Where events that the reader has not seen have left the log, or the log was replaced, the reader gets a `reset`, and
 * continues with what there is. A reader near the end of the log is served from what one reader has read for all; one
 * that is further behind reads the log by itself until it has come there.
 * @param afterSeq null: from now on
 */
export async function* followAll(
  deps: FollowAllDeps,
  view: View,
  afterSeq: number | null,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent | Position | Buffer, void, undefined> {
  const news = new Signal()
  const onNews = () => news.raise()
  const leave = deps.shared.enter(onNews)
  signal.addEventListener('abort', onNews)
  try {
    let seq = afterSeq
    for (let created: string | null = null; !signal.aborted; ) {
      const state = await deps.stream.state()
      const start: number = seq ?? state.lastSeq
      const isOther: boolean = created !== null && created !== state.created
      const isGap = isOther || (await hasGap(deps, state, start))
      const from = isGap ? state.firstSeq - 1 : start
      if (isGap) yield { id: from, event: 'reset', data: { first_seq: state.firstSeq } }
      // At once, and with every comment: a reader that has seen no event yet must be able to resume too.
      if (isGap || created === null) yield { id: from, event: null }
      created = state.created
      seq = from
      let toldMs = deps.clock.monotonic()
      for await (const chunk of followHere(deps, view, { state, seq, news, signal })) {
        seq = chunk.seq
        if (signal.aborted) return
        const nowMs = deps.clock.monotonic()
        // The position also while there are events of others only: it must not fall behind the part that the log keeps.
        if (chunk.text.length === 0 && nowMs - toldMs < SILENT_MS) continue
        toldMs = nowMs
        yield chunk.text.length > 0 ? chunk.text : { id: seq, event: null }
      }
    }
  } finally {
    signal.removeEventListener('abort', onNews)
    leave()
  }
}

interface Place {
  state: StreamState
  /** Everything up to here was seen. */
  seq: number
  news: Signal
  signal: AbortSignal
}

/** Ends when the log was replaced, or when the reader is so slow that the window does not have what comes next. */
async function* followHere(
  deps: FollowAllDeps,
  view: View,
  { state, seq: startSeq, news, signal }: Place,
): AsyncGenerator<Chunk, void, undefined> {
  const tail = deps.shared.tailOf(state, startSeq)
  let seq = startSeq
  for await (const chunk of catchUp(deps, view, tail, seq)) {
    seq = chunk.seq
    yield chunk
  }
  while (tail.isOpen && !signal.aborted && seq >= tail.window.baseSeq) {
    const chunk = await tail.chunkAfter(view, seq)
    seq = chunk.seq
    yield chunk
    if (seq >= tail.window.lastSeq) await news.waitFor(COMMENT_EVERY_MS)
  }
  if (tail.failure !== null) throw tail.failure
}

/** What lies between a reader and the window, from the log itself, or as much of it as there is time for. */
async function* catchUp(
  { stream, clock, ownerOf }: FollowAllDeps,
  view: View,
  tail: Tail,
  afterSeq: number,
): AsyncGenerator<Chunk, void, undefined> {
  const filter = eventsFilter(view.type)
  const untilMs = clock.monotonic() + CHECK_GAP_EVERY_MS
  for (let seq = afterSeq; tail.isOpen && seq < tail.window.baseSeq && clock.monotonic() < untilMs; ) {
    const { events, lastSeq } = await readLogUpTo(stream, filter, seq + 1, tail.window.baseSeq)
    const batch = new EventWindow(seq, NO_LIMITS)
    batch.append(events.map(shownEvent), lastSeq)
    while (seq < lastSeq) {
      const chunk = await chunkOf(ownerOf, view, batch, seq)
      seq = chunk.seq
      yield chunk
    }
  }
}

/** Whether events after this sequence are gone, or the sequence belongs to another log. */
export async function hasGap(
  { stream }: Pick<FollowAllDeps, 'stream'>,
  { firstSeq, lastSeq }: StreamState,
  afterSeq: number,
): Promise<boolean> {
  if (afterSeq > lastSeq) return true
  // A log keeps its last event: a log without any never had one.
  return afterSeq + 1 < firstSeq && (await stream.lastOf(ALL_HISTORY)) !== null
}

export const eventsFilter = (type: string | null): string => `*.${type ?? '*'}.*.*`
