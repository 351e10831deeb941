import type { EventView } from './contracts.ts'
import { makeStreamParser, type StreamMessage } from './parse-event-stream.ts'
import { type Call, type Transport, unexpectedAnswer, untilAnswered } from './request.ts'
import { backoffMs, type Deadline, pause } from './timing.ts'

export interface FollowOptions {
  /** Only events after this one: the `seq` of the last event seen. */
  afterSeq?: number | undefined
  signal?: AbortSignal | undefined
}

export interface FollowAllOptions extends FollowOptions {
  /** Only events of this type's jobs. */
  type?: string | undefined
  /** Only events of jobs with this tag. */
  tag?: string | undefined
}

/** Sent among the events of all jobs: events before `first_seq` have left the log, and were not sent. */
export interface ResetEvent {
  event: 'reset'
  seq: number
  first_seq: number
}

/** Silence after which a stream counts as broken: the server sends a comment every 15 s. */
const SILENT_MS = 45_000

/**
 * Events, over as many connections as needed: each continues after the last event seen, without gap or repeat, until
 * the server says that there will be no more, or forever.
 * @throws HastyError `job-not-found` and other refusals, or no server within `retryForMs`; the signal's reason
 */
export async function* followEvents(
  transport: Transport,
  call: Pick<Call, 'path' | 'query'>,
  options: FollowOptions,
): AsyncGenerator<EventView | ResetEvent, void, undefined> {
  const { signal } = options
  let lastId = options.afterSeq
  const rest = makeRest(signal)
  for (;;) {
    const stream = await openStream(transport, call, lastId, signal)
    if (stream === null) return
    let isNews = false
    try {
      for await (const { id, event, data } of messagesOf(stream)) {
        if (!/^\d{1,15}$/.test(id)) continue
        const seq = Number(id)
        if (event !== 'reset' && lastId !== undefined && seq <= lastId) continue
        lastId = seq
        isNews = true
        // An id alone: nothing for the reader, but the next connection continues from there.
        if (data !== null) yield { ...(JSON.parse(data) as EventView), event, seq }
      }
    } catch {
      // The kind of the failure does not matter: the next connection will show it.
      signal?.throwIfAborted()
    } finally {
      stream.deadline.close()
      await stream.reader.cancel().catch(() => undefined)
    }
    await rest(isNews)
  }
}

/** Shortest time between two immediate reconnects, which follow a stream that had events. */
const AT_ONCE_EVERY_MS = 1_000

/** Waits before the next connection: never a loop without a pause, whatever the server does. */
function makeRest(signal: AbortSignal | undefined): (isNews: boolean) => Promise<void> {
  let broken = 0
  let lastAtOnceMs = Number.NEGATIVE_INFINITY
  return async (isNews) => {
    const nowMs = performance.now()
    if (isNews) broken = 0
    if (isNews && nowMs - lastAtOnceMs >= AT_ONCE_EVERY_MS) lastAtOnceMs = nowMs
    else await pause(backoffMs(broken++), signal)
  }
}

interface OpenStream {
  reader: ReadableStreamDefaultReader<string>
  deadline: Deadline
}

/** @returns null when all events were sent */
async function openStream(
  transport: Transport,
  call: Pick<Call, 'path' | 'query'>,
  lastId: number | undefined,
  signal: AbortSignal | undefined,
): Promise<OpenStream | null> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastId === undefined ? {} : { 'last-event-id': String(lastId) }),
  }
  return untilAnswered(transport, { ...call, method: 'GET', headers, signal }, (response, deadline) => {
    if (response.status === 204 || response.body === null) {
      deadline.close()
      return Promise.resolve(null)
    }
    const type = response.headers.get('content-type') ?? 'no content type'
    if (!type.startsWith('text/event-stream')) throw unexpectedAnswer(response.status, `is no event stream (${type})`)
    deadline.restart(SILENT_MS)
    return Promise.resolve({ reader: response.body.pipeThrough(new TextDecoderStream()).getReader(), deadline })
  })
}

async function* messagesOf({ reader, deadline }: OpenStream): AsyncGenerator<StreamMessage, void, undefined> {
  const parse = makeStreamParser()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    deadline.restart(SILENT_MS)
    yield* parse(value)
  }
}
