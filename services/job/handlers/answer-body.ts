import { BODY_MAX_DEPTH } from '#shared/contracts/http/jobs.ts'
import { isTooDeep } from '#shared/errors/foreign-json.ts'
import { findLostNumber, type LostNumber } from '#shared/formats/json-numbers.ts'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'

/**
 * Depth of an answer's body: a result has at most the depth of a request's body, and this one lies a few levels within
 * it.
 */
const MAX_DEPTH = BODY_MAX_DEPTH - 4

type Answer = Pick<OutboundAnswer, 'text' | 'truncated'>

export interface AnswerBody {
  /** The parsed value of JSON, the text of everything else. */
  body: unknown
  /** The first number of the JSON that parsing changed in `body`, such as a long id. */
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

/** The body as a result: JSON that parsing would change stays text. */
export function bodyOf(answer: Answer): unknown {
  const { body, lost } = readAnswer(answer)
  return lost === null ? body : answer.text
}
