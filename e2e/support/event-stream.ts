export interface StreamedEvent {
  id: number
  event: string
  data: Record<string, unknown>
}

export interface EventStream extends AsyncDisposable {
  readonly status: number
  readonly headers: Headers
  /** Events so far. */
  readonly events: readonly StreamedEvent[]
  /** Resolves when the server has ended the stream, or it broke. */
  readonly ended: Promise<void>
  /** Closes the stream from the caller's side. */
  close(): void
}

/** Opens a stream of server-sent events, as a browser's EventSource would. */
export async function openEventStream(
  url: string,
  lastEventId?: number,
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const aborter = new AbortController()
  const response = await fetch(url, {
    headers: {
      ...headers,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
    signal: aborter.signal,
  })
  const events: StreamedEvent[] = []
  const read = async () => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) addEvent(events, block)
    }
  }
  const ended = read().catch(() => undefined)
  const close = () => aborter.abort()
  return {
    status: response.status,
    headers: response.headers,
    events,
    ended,
    close,
    [Symbol.asyncDispose]: async () => {
      close()
      await ended
    },
  }
}

/** Adds an event. Comments and `retry` are no events. */
function addEvent(events: StreamedEvent[], block: string): void {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ')[0] ?? '', line.slice(line.indexOf(': ') + 2)]),
  )
  const event = fields.get('event')
  if (event === undefined) return
  events.push({
    id: Number(fields.get('id')),
    event,
    data: JSON.parse(fields.get('data') ?? 'null') as StreamedEvent['data'],
  })
}
