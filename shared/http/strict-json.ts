import { isUtf8 } from 'node:buffer'
import { BODY_MAX_DEPTH, BODY_MAX_MEMBERS } from '#shared/contracts/http/jobs.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { endOfNumber, endOfString, lossOf, lostNumberDetail, pointerAt } from '#shared/formats/json-numbers.ts'

/**
 * Parses a JSON body and refuses everything that JSON.parse lets through or changes silently: invalid UTF-8, lone
 * surrogates, repeated members, names that reach a prototype, numbers that would change, and nesting too deep for later
 * code.
 * @param membersMax limit of members and array items
 * @throws AppError with a code of its own for each
 */
export function parseStrictJson(body: Buffer, membersMax = BODY_MAX_MEMBERS): unknown {
  if (!isUtf8(body)) throw new AppError('invalid-unicode', 'The body is not valid UTF-8.')
  const decoded = body.toString('utf8')
  const text = decoded.charCodeAt(0) === 0xfeff ? decoded.slice(1) : decoded
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
    const where = position === undefined ? '' : ` The error is at character ${position}.`
    throw new AppError('malformed-json', `The body is not valid JSON.${where}`, { cause: error })
  }
  checkTokens(text, membersMax)
  return value
}

interface Container {
  /** Names seen so far; null in an array. */
  names: Set<string> | null
  /** The member whose value this container is. */
  memberName: string | null
}

/** Walks the tokens of a text that JSON.parse accepted. */
function checkTokens(text: string, membersMax: number): void {
  const stack: Container[] = []
  let members = 0
  /** The member's name whose value comes next. */
  let name: string | null = null
  let nameExpected = false
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    switch (character) {
      case 0x7b: // {
      case 0x5b: // [
        if (stack.length >= BODY_MAX_DEPTH) {
          throw new AppError('too-deep', `The body is nested deeper than ${BODY_MAX_DEPTH} levels.`)
        }
        stack.push({ names: character === 0x7b ? new Set() : null, memberName: name })
        nameExpected = character === 0x7b
        name = null
        break
      case 0x7d: // }
      case 0x5d: // ]
        stack.pop()
        break
      case 0x2c: // ,
        nameExpected = stack.at(-1)?.names != null
        name = null
        if (!nameExpected && ++members > membersMax) throw tooManyMembers(membersMax)
        break
      case 0x22: {
        // "
        const end = endOfString(text, i) - 1
        const raw = text.slice(i, end + 1)
        const content = checkString(raw)
        if (nameExpected) {
          if (++members > membersMax) throw tooManyMembers(membersMax)
          name = content
          checkName(name, stack.at(-1))
          nameExpected = false
        }
        i = end
        break
      }
      default:
        if (character === 0x2d || (character >= 0x30 && character <= 0x39)) i = checkNumber(text, i)
    }
  }
}

/** Only an escape can produce a lone surrogate: the bytes were valid UTF-8. */
function checkString(raw: string): string {
  if (!raw.includes('\\')) return raw.slice(1, -1)
  const content = JSON.parse(raw) as string
  if (!content.isWellFormed()) throw new AppError('invalid-unicode', 'A string contains half of a surrogate pair.')
  return content
}

function checkName(name: string, container: Container | undefined): void {
  if (name === '__proto__' || (name === 'prototype' && container?.memberName === 'constructor')) {
    throw new AppError('forbidden-member', `The member name "${name}" is not allowed.`)
  }
  if (container?.names?.has(name) === true) {
    throw new AppError('duplicate-member', `The member "${name.slice(0, 60)}" appears twice in one object.`)
  }
  container?.names?.add(name)
}

/** @returns the position of the number's last character */
function checkNumber(json: string, start: number): number {
  const end = endOfNumber(json, start)
  const text = json.slice(start, end)
  const reason = lossOf(text)
  if (reason !== null) throw numberOutOfRange(pointerAt(json, start), lostNumberDetail({ text, reason }))
  return end - 1
}

export const numberOutOfRange = (pointer: string, detail: string): AppError =>
  new AppError('number-out-of-range', `${pointer || 'The body'} ${detail}.`, {
    members: { errors: [{ pointer, detail }] },
  })

const tooManyMembers = (membersMax: number): AppError =>
  new AppError('too-many-members', `The body has more than ${membersMax} members and array items.`)
