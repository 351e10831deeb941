import { BODY_MAX_DEPTH } from '#shared/contracts/http/jobs.ts'
import { leastJsonLength, messageOf } from './foreign.ts'

/** A value of foreign code as JSON text that every reader accepts, or the reason why there is none. */
export type ForeignJson =
  | { kind: 'json'; json: string }
  /** `thrown`: the error that JSON.stringify, or a `toJSON` of the value, threw. */
  | { kind: 'not_json'; thrown: unknown }
  | { kind: 'too_deep' }
  /** `bytes`: a lower bound of the size. */
  | { kind: 'too_large'; bytes: number }

/**
 * The value as JSON. Never throws. Half surrogate pairs become U+FFFD: JSON.stringify escapes them, and strict readers
 * refuse the whole text because of them. Values may be nested no deeper than a request's body: everyone who folds or
 * shows them has to walk through them.
 */
export function jsonOf(value: unknown, maxBytes: number): ForeignJson {
  const least = leastJsonLength(value)
  if (least > maxBytes) return { kind: 'too_large', bytes: least }
  let json: string
  try {
    json = JSON.stringify(value) ?? 'null'
  } catch (thrown) {
    return ranOutOfStack(thrown) ? { kind: 'too_deep' } : { kind: 'not_json', thrown }
  }
  const bytes = Buffer.byteLength(json)
  if (bytes > maxBytes) return { kind: 'too_large', bytes }
  if (isTooDeep(json)) return { kind: 'too_deep' }
  return { kind: 'json', json: json.includes('\\ud') ? wellFormed(json) : json }
}

/** Whether a JSON text is nested deeper than so many levels. */
export function isTooDeep(json: string, maxDepth: number = BODY_MAX_DEPTH): boolean {
  // Nearly every text has fewer brackets in all than that, and counting is much faster than parsing.
  if (!hasMoreBrackets(json, maxDepth)) return false
  let depth = 0
  let isInString = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (isInString) {
      if (character === '\\') i++
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
    if (depth > maxDepth) return true
  }
  return false
}

/** Whether more opening brackets than that occur, those within strings included. */
function hasMoreBrackets(json: string, count: number): boolean {
  let left = count
  for (const bracket of ['{', '[']) {
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) if (--left < 0) return true
  }
  return false
}

/**
 * Whether JSON.stringify ran out of stack, which happens with values nested thousands deep before anybody can count the
 * levels.
 */
const ranOutOfStack = (thrown: unknown): boolean => messageOf(thrown) === 'Maximum call stack size exceeded'

const wellFormed = (json: string): string => JSON.stringify(JSON.parse(json), wellFormedMembers)

function wellFormedMembers(_name: string, value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (Object.keys(value).every((name) => name.isWellFormed())) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), member]))
}
