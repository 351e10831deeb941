import { BODY_MAX_DEPTH } from '#shared/contracts/http.ts'
import { findLostNumber } from '#shared/formats/json-numbers.ts'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'

/** JSON as what it says, everything else as text; also JSON with a number that would become another one (a long id). */
export function bodyOf({ text, truncated }: Pick<OutboundAnswer, 'text' | 'truncated'>): unknown {
  if (text === '') return null
  if (truncated || isTooDeep(text)) return text
  try {
    const value: unknown = JSON.parse(text)
    return findLostNumber(text) === null ? value : text
  } catch {
    return text
  }
}

/** Everybody who writes or shows a result would have to walk it: as deep as a request's body may be, no deeper. */
function isTooDeep(json: string): boolean {
  let depth = 0
  let isInString = false
  // One pass, whatever the target sends: this runs on the thread of all jobs.
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (isInString) {
      if (character === '\\') i++
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
    if (depth > BODY_MAX_DEPTH) return true
  }
  return false
}
