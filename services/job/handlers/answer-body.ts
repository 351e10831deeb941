import { BODY_MAX_DEPTH } from '#shared/contracts/http/jobs.ts'
import { isTooDeep } from '#shared/errors/foreign-json.ts'
import { findLostNumber, type LostNumber } from '#shared/formats/json-numbers.ts'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'

/** A result has the depth of a body at most, and this one stands a few levels within it. */
const MAX_DEPTH = BODY_MAX_DEPTH - 4

type Answer = Pick<OutboundAnswer, 'text' | 'truncated'>

export interface AnswerBody {
  /** JSON as what it says, everything else as text. */
  body: unknown
  /** The first number of the JSON that is another one in `body`, such as a long id. */
  lost: LostNumber | null
}

export function readAnswer({ text, truncated }: Answer): AnswerBody {
  if (text === '') return { body: null, lost: null }
  if (truncated || isTooDeep(text, MAX_DEPTH)) return { body: text, lost: null }
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
