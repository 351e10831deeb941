/** One event as it came over the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface StreamMessage {
  event: string
  /** null: only an id, which says how far the stream is. */
  data: string | null
  /** The last id that was sent, with this event or before. */
  id: string
}

/**
 * A parser that takes a stream's text in pieces of any size. @returns the events, and ids alone, that a piece completes
 */
export function makeStreamParser(): (piece: string) => StreamMessage[] {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []
  let hasNewId = false

  function takeLine(line: string): StreamMessage | null {
    if (line === '') {
      const isMessage = data.length > 0 || hasNewId
      const message = { event: event || 'message', data: data.length > 0 ? data.join('\n') : null, id }
      event = ''
      data = []
      hasNewId = false
      return isMessage ? message : null
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) {
      id = value
      hasNewId = true
    }
    return null
  }

  return (piece) => {
    const text = rest + piece
    // A return at the end may be half of a line break.
    const isWhole = !text.endsWith('\r')
    const lines = (isWhole ? text : text.slice(0, -1)).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + (isWhole ? '' : '\r')
    return lines.map(takeLine).filter((message) => message !== null)
  }
}
