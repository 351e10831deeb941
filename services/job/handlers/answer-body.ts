import { BODY_MAX_DEPTH } from '#shared/contracts/http.ts'
import { findLostNumber, type LostNumber } from '#shared/formats/json-numbers.ts'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'

type Answer = Pick<OutboundAnswer, 'text' | 'truncated'>

export interface AnswerBody {
  /** JSON as what it says, everything else as text. */
  body: unknown
  /** The first number of the JSON that is another one in `body`, such as a long id. */
  lost: LostNumber | null
}

export function readAnswer({ text, truncated }: Answer): AnswerBody {
  if (text === '') return { body: null, lost: null }
  if (truncated || isTooDeep(text)) return { body: text, lost: null }
  try {
    return { body: JSON.parse(text) as unknown, lost: findLostNumber(text) }
  } catch {
    return { body: text, lost: null }
  }
}

/** As a result: what would be changed by being read stays text. */
export function bodyOf(answer: Answer): unknown {
  const { body, lost } = readAnswer(answer)
  return lost === null ? body : answer.text
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
