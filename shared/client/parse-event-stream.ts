/** One event as it came over the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface StreamMessage {
  event: string
  data: string
  /** The last one that was sent, with this event or before. */
  id: string
}

/** Takes a stream's text in whatever pieces it comes. @returns the events that a piece completes */
export function makeStreamParser(): (piece: string) => StreamMessage[] {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []

  function takeLine(line: string): StreamMessage | null {
    if (line === '') {
      const message = data.length > 0 ? { event: event || 'message', data: data.join('\n'), id } : null
      event = ''
      data = []
      return message
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id') id = value
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
