// JSON.parse says that a text is wrong, but not always where. These functions find the place.

type Wanted =
  | 'value'
  | 'name'
  | 'colon'
  /** A comma, or the end of what is open. */
  | 'more'

const BLANKS = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y

/** The place of the first character that makes a text something else than JSON; null for JSON. */
export function findJsonFault(text: string): number | null {
  const open: ('{' | '[')[] = []
  let wanted: Wanted = 'value'
  /** Nothing stands yet in what was opened last. */
  let isEmpty = false
  for (let at = after(BLANKS, text, 0); ; at = after(BLANKS, text, at)) {
    const character = text[at]
    if (character === undefined) return wanted === 'more' && open.length === 0 ? null : at
    const inner = open.at(-1)
    const isClose = inner !== undefined && character === (inner === '{' ? '}' : ']')
    if (isClose && (wanted === 'more' || isEmpty)) {
      open.pop()
      wanted = 'more'
      at++
    } else if (wanted === 'more') {
      if (inner === undefined || character !== ',') return at
      wanted = inner === '{' ? 'name' : 'value'
      at++
    } else if (wanted === 'colon') {
      if (character !== ':') return at
      wanted = 'value'
      at++
    } else if (character === '"') {
      const end = endOfText(text, at)
      if (text[end] !== '"') return end
      wanted = wanted === 'name' ? 'colon' : 'more'
      at = end + 1
    } else if (wanted === 'value' && (character === '{' || character === '[')) {
      open.push(character)
      wanted = character === '{' ? 'name' : 'value'
      isEmpty = true
      at++
      continue
    } else {
      const end = wanted === 'name' ? at : Math.max(after(NUMBER, text, at), after(WORD, text, at))
      if (end === at) return at
      wanted = 'more'
      at = end
    }
    isEmpty = false
  }
}

/** Position after what a sticky pattern matches; the same position where it matches nothing. */
function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Position of a string's closing quote, or of what may not stand in it. */
function endOfText(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"' && text.charCodeAt(at) >= 0x20) {
    const end = text[at] === '\\' ? after(ESCAPE, text, at) : at + 1
    if (end === at) break
    at = end
  }
  return at
}

/**
 * Where and why a text is not JSON, for people: `line 3, column 5: unexpected "}"`.
 * @param firstLine number of the line with which the text begins
 */
export function placeOf(text: string, firstLine = 1): string {
  const at = findJsonFault(text) ?? text.length
  const before = text.slice(0, at).split('\n')
  const column = (before.at(-1) ?? '').length + 1
  const found = text.codePointAt(at)
  const what = found === undefined ? 'it ends too soon' : `unexpected ${JSON.stringify(String.fromCodePoint(found))}`
  return `line ${firstLine + before.length - 1}, column ${column}: ${what}`
}
