import { BODY_MAX_DEPTH } from '#shared/contracts/http.ts'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'
import { isTooDeep } from '#shared/runtime/foreign-json.ts'

/** A result has the depth of a body at most, and this one stands a few levels within it. */
const MAX_DEPTH = BODY_MAX_DEPTH - 4

/** JSON as what it says, everything else as text. */
export function bodyOf({ text, truncated }: Pick<OutboundAnswer, 'text' | 'truncated'>): unknown {
  if (text === '') return null
  if (truncated || isTooDeep(text, MAX_DEPTH)) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
