import { Readable } from 'node:stream'
import type { Caller } from '#shared/auth/caller.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { type Clock, DAY, SECOND } from '#shared/time/clock.ts'

export interface ServerSentEvent {
  /** Sent by a reader as Last-Event-ID when it reconnects. */
  id: number
  event: string
  data: unknown
}

/** The position of a reader that has seen no event since: it sends this as Last-Event-ID. */
export interface Position {
  id: number
  event: null
}

/** Streams of one replica at once; each is a connection, and that of one job is a subscription too. */
const MAX_STREAMS = 500
/** Limit for each tenant, so that one cannot use up all of them. */
const MAX_STREAMS_OF_TENANT = 100
const STALL_CHECK_MS = 5 * SECOND
/** Time after which a reader that takes nothing counts as gone. */
const STALLED_MS = 30 * SECOND
/** Milliseconds after which a browser reconnects. */
const RETRY_MS = 2_000
/** A comment this often keeps proxies from closing an idle stream. */
export const COMMENT_EVERY_MS = 15 * SECOND

/** null: a comment; a buffer: whole blocks. */
type StreamItem = ServerSentEvent | Position | Buffer | null

/** Whether the caller would rather have a stream than JSON. */
export const wantsStream = (ctx: AppContext): boolean =>
  ctx.accepts('application/json', 'text/event-stream') === 'text/event-stream'

/** The open event streams of this replica, kept so that a stopping server can end them. */
export class EventStreams {
  readonly #clock: Clock
  /** Each stream with the tenant of its reader; null: no tenant. */
  readonly #open = new Map<AbortController, string | null>()
  #isStopping = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Answers with a stream of the items of `events`, until it ends, the reader leaves, or the reader stops reading.
   * @throws AppError `unavailable` when there are too many streams
   */
  answer(ctx: AppContext, events: (signal: AbortSignal) => AsyncIterable<StreamItem>): void {
    const caller = callerOf(ctx)
    this.#checkRoom(caller)
    const aborter = new AbortController()
    this.#open.set(aborter, caller.tenant)
    // A connection that is busy while the server stops may bring one more request.
    if (this.#isStopping) aborter.abort()
    const expiry = setTimeout(() => aborter.abort(), this.#tokenLeftMs(caller))
    const body = Readable.from(piecesOf(events(aborter.signal)), { objectMode: false, highWaterMark: 16 * 1024 })
    const unwatch = dropWhenStalled(ctx)
    ctx.res.once('close', () => {
      unwatch()
      clearTimeout(expiry)
      this.#open.delete(aborter)
      aborter.abort()
      body.destroy()
    })
    ctx.status = 200
    ctx.set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache',
      // Without it nginx collects events before it passes them on.
      'X-Accel-Buffering': 'no',
    })
    ctx.body = body
  }

  #checkRoom({ tenant }: Caller): void {
    const own = [...this.#open.values()].filter((other) => other === tenant).length
    if (this.#open.size >= MAX_STREAMS)
      throw unavailable(`This replica serves its limit of ${MAX_STREAMS} event streams. Try again.`)
    if (tenant !== null && own >= MAX_STREAMS_OF_TENANT)
      throw unavailable(
        `This replica serves this tenant its limit of ${MAX_STREAMS_OF_TENANT} event streams. Close some of them.`,
      )
  }

  /** Time until the token expires: the reader then reconnects, and needs a valid token. */
  #tokenLeftMs({ untilMs }: Caller): number {
    return Math.min(Math.max(untilMs - this.#clock.now(), 0), FOREVER_MS)
  }

  /** Ends all streams: their readers reconnect to another replica with the id of the last event that they saw. */
  stop(): void {
    this.#isStopping = true
    for (const aborter of this.#open.keys()) aborter.abort()
  }
}

async function* piecesOf(events: AsyncIterable<StreamItem>): AsyncGenerator<string | Buffer, void, undefined> {
  yield `retry: ${RETRY_MS}\n\n`
  for await (const each of events) {
    if (each === null) yield ':\n\n'
    else yield Buffer.isBuffer(each) ? each : blockOf(each)
  }
}

/** One item as its reader gets it; a position has only an id. */
export function blockOf(item: ServerSentEvent | Position): string {
  if (item.event === null) return `id: ${item.id}\n\n`
  // JSON has no line breaks of its own, so each event is one `data` line.
  return `id: ${item.id}\nevent: ${item.event}\ndata: ${JSON.stringify(item.data)}\n\n`
}

/** Longer than any reader stays, and within the range of a timer. */
const FOREVER_MS = 7 * DAY

/**
 * Drops a reader that stalls: backpressure alone would hold a connection forever. @returns a function that stops the
 * check
 */
function dropWhenStalled(ctx: AppContext): () => void {
  let written = -1
  let stalledMs = 0
  const timer = setInterval(() => {
    const { socket } = ctx.req
    const isStalled = ctx.res.writableLength > 0 && socket.bytesWritten === written
    written = socket.bytesWritten
    stalledMs = isStalled ? stalledMs + STALL_CHECK_MS : 0
    if (stalledMs >= STALLED_MS) socket.destroy()
  }, STALL_CHECK_MS)
  return () => clearInterval(timer)
}
