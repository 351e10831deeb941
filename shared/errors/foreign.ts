import { inspect } from 'node:util'
import type { JobCause, JobError } from '#shared/contracts/log/job.ts'

// Handlers, their libraries, child processes and HTTP targets hand over anything: an error whose message is a list, an
// object whose getters throw, a text with half a character at its end. All such values pass through here before they
// are logged, stored or shown, and nothing here throws.

const MESSAGE_MAX_LENGTH = 2_000
const NAME_MAX_LENGTH = 100
/** Limit for each cause; a hundred attempts with their errors must still fit into one record. */
const CAUSE_MAX_LENGTH = 500
const CAUSES_MAX = 8
/** A getter, or a proxy, may return another cause each time, without end. */
const CAUSES_LOOKED_AT_MAX = 100
/** Characters of a stack that are searched for the message at its beginning. */
const STACK_READ_LENGTH = 10_000
/** A value with a longer JSON text is inspected only in part. */
const JSON_MAX_LENGTH = 1_000_000

/** Any value as well-formed text of at most so many characters (UTF-16 units). */
export function textOf(value: unknown, maxLength: number = MESSAGE_MAX_LENGTH): string {
  const text = typeof value === 'string' ? value : shown(value)
  // Half a surrogate pair at the cut is no character.
  const cut = text.length > maxLength ? text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '') : text
  return cut.toWellFormed()
}

/** A thrown value in a few words: its message where it has one. */
export function messageOf(thrown: unknown): string {
  const { name, message } = describeThrown(thrown)
  return message || name
}

/** A thrown value as it may be stored and shown: bounded, without a stack, with its causes. */
export function describeThrown(thrown: unknown): JobError {
  const causes = causesOf(thrown)
  const error = describeOne(thrown, MESSAGE_MAX_LENGTH)
  // An AggregateError often says nothing itself.
  const message = error.message || textOf(causes.map((cause) => cause.message).join('; '))
  return { ...error, message, ...(causes.length === 0 ? {} : { causes }) }
}

/** The same for the log, with the stack. A logger that inspects the thrown value itself may run its getters. */
export const errorForLog = (thrown: unknown): JobError & { stack?: string } => {
  const stack = memberOf(thrown, 'stack')
  return {
    ...describeThrown(thrown),
    ...(typeof stack === 'string' ? { stack: textOf(stack, STACK_READ_LENGTH) } : {}),
  }
}

/** A member of any value; undefined where there is none, or where reading it throws. */
export function memberOf(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

/** Whether the value is, or is meant as, an error: also one from another realm, or a response that was thrown. */
export const isErrorLike = (value: unknown): boolean =>
  isObject(value) &&
  (typeof memberOf(value, 'stack') === 'string' || isSaid(memberOf(value, 'message')) || isSilentError(value))

/** An error that says nothing is one by its name or code: a failed assertion that another language hands over. */
const isSilentError = (value: object): boolean =>
  memberOf(value, 'message') === '' && (isText(memberOf(value, 'name')) || isCode(memberOf(value, 'code')))

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isCode = (value: unknown): boolean => isText(value) || typeof value === 'number'

function describeOne(thrown: unknown, maxLength: number): JobCause {
  if (!isErrorLike(thrown)) return { name: 'Error', message: textOf(thrown, maxLength) }
  const [name, code] = [memberOf(thrown, 'name'), memberOf(thrown, 'code')]
  return {
    name: isText(name) ? textOf(name, NAME_MAX_LENGTH) : 'Error',
    message: textOf(messageIn(thrown), maxLength),
    ...(isCode(code) ? { code: textOf(code, NAME_MAX_LENGTH) } : {}),
  }
}

function messageIn(error: unknown): string {
  const message = memberOf(error, 'message')
  if (!isSaid(message)) {
    const first = messageInStack(memberOf(error, 'stack'))
    return first === 'null' ? '' : first
  }
  const parts = listIn(message)
  return parts === null ? textOf(message) : parts.map((part) => textOf(part)).join('; ')
}

const isSaid = (message: unknown): boolean => message !== undefined && message !== null && message !== ''

/**
 * The message at the beginning of a stack: a stack that was read keeps the message of that moment, even if it was
 * changed later.
 */
function messageInStack(stack: unknown): string {
  if (typeof stack !== 'string') return ''
  const [header = ''] = stack.slice(0, STACK_READ_LENGTH).split(/\n[ \t]+at /, 1)
  return /^[^\s:]+(?: \[[^\]]*\])?: (?<message>[\s\S]*)$/.exec(header)?.groups?.['message'] ?? ''
}

/** Causes from the outside in: the cause and the parts of an AggregateError, then theirs. */
function causesOf(thrown: unknown): JobCause[] {
  const found: JobCause[] = []
  const above = messageIn(thrown)
  const seen = new Set<unknown>([thrown])
  const waiting = causesIn(thrown)
  while (found.length < CAUSES_MAX && seen.size <= CAUSES_LOOKED_AT_MAX) {
    const cause = waiting.shift()
    if (cause === undefined) break
    if (seen.has(cause)) continue
    seen.add(cause)
    const described = describeOne(cause, CAUSE_MAX_LENGTH)
    // Skips an error that was wrapped without another word.
    if (described.message !== above) found.push(described)
    waiting.unshift(...causesIn(cause))
  }
  return found
}

function causesIn(error: unknown): unknown[] {
  if (!isErrorLike(error)) return []
  const all = [memberOf(error, 'cause'), ...(listIn(memberOf(error, 'errors')) ?? [])]
  return all.filter((cause) => cause !== undefined && cause !== null)
}

/** The first items of a list; null for any other value. */
function listIn(value: unknown): unknown[] | null {
  try {
    return Array.isArray(value) ? Array.from({ length: Math.min(value.length, CAUSES_MAX) }, (_, n) => value[n]) : null
  } catch {
    return null
  }
}

/** Arrays are objects too. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/**
 * A lower bound for the number of characters of a value's JSON, where the value is bytes or has some as a member; 0 for
 * everything else. JSON writes each byte as a number: doing that for a file of a few hundred MB takes more memory than
 * a process has.
 */
export function leastJsonLength(value: unknown): number {
  try {
    if (!isObject(value)) return 0
    if (ArrayBuffer.isView(value)) return 2 * countOf(value)
    return Object.values(value).reduce<number>((sum, member) => sum + 2 * countOf(member), 0)
  } catch {
    return 0
  }
}

/** Number of elements; a DataView has none that JSON shows. */
const countOf = (value: unknown): number =>
  ArrayBuffer.isView(value) ? ((value as { length?: number }).length ?? 0) : 0

function shown(value: unknown): string {
  try {
    const json = leastJsonLength(value) > JSON_MAX_LENGTH ? undefined : (JSON.stringify(value) as string | undefined)
    if (json !== undefined) return json
  } catch {
    // A value that is no JSON can still be inspected.
  }
  try {
    return inspect(value, { customInspect: false, depth: 2, maxArrayLength: 20, maxStringLength: 500 })
  } catch {
    return 'something that cannot be shown'
  }
}
