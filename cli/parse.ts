import { InvalidArgumentError } from 'commander'
import { findDuplicateMember } from '#shared/formats/json-members.ts'
import { findLostNumber, lossOf, lostNumberDetail } from '#shared/formats/json-numbers.ts'
import { plainId, withoutMark } from '#shared/formats/plain-text.ts'
import { placeOf } from './json-fault.ts'

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A hundred years. */
const DURATION_MAX_MS = 36_500 * 86_400_000

/** `500ms`, `30s`, `5m`, `2h`, `1d`; a bare number is seconds. @returns milliseconds */
export function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError('Give a duration such as 500ms, 30s, 5m or 2h.')
  const ms = Math.round(Number(digits) * (unitMs[unit] ?? 0))
  if (ms > DURATION_MAX_MS) throw new InvalidArgumentError('Give a duration of at most 36500d.')
  return ms
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** `1,2,3.5` */
export function parseNumbers(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim())
  if (!parts.every((part) => NUMBER.test(part) && Number.isFinite(Number(part))))
    throw new InvalidArgumentError('Give numbers separated by commas, such as 1,2,3.')
  const lost = parts.find((part) => lossOf(part) !== null)
  if (lost !== undefined) throw new InvalidArgumentError(`${lost} is too long for exact arithmetic.`)
  return parts.map(Number)
}

export const parseWhole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    }
    return value
  }

export function parseRate(text: string): number {
  const value = Number(text)
  if (!(value > 0) || value > 100_000) throw new InvalidArgumentError('Give a number above 0, such as 50 or 0.5.')
  return value
}

/** A text is not JSON, where an argument was to be. */
export class NotJson extends InvalidArgumentError {
  override name = 'NotJson'
  /** Where it is wrong. */
  readonly place: string

  constructor(json: string) {
    const place = placeOf(json)
    super(`It is not valid JSON (${place}); in a shell, put it in single quotes: '{"ms": 100}'.`)
    this.place = place
  }
}

export function parseJson(text: string): unknown {
  const json = withoutMark(text)
  const value = valueOf(json)
  const change = changeByParsing(json)
  if (change === null) return value
  throw new InvalidArgumentError(`${toSentence(change)}.`)
}

interface Change {
  /** The server's code for it. */
  code: string
  /** Empty for the whole text. */
  pointer: string
  /** The sentence whose subject is the value at the pointer. */
  detail: string
}

/** The information that JSON.parse would lose; null: none. */
export function changeByParsing(json: string): Change | null {
  const lost = findLostNumber(json)
  if (lost !== null) return { code: 'number-out-of-range', pointer: lost.pointer, detail: lostNumberDetail(lost) }
  const pointer = findDuplicateMember(json)
  return pointer === null ? null : { code: 'duplicate-member', pointer, detail: 'appears twice in one object' }
}

/** The server's code and a sentence without its full stop. */
export const toSentence = ({ code, pointer, detail }: Change): string => `${code}: ${pointer || 'It'} ${detail}`

function valueOf(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new NotJson(json)
  }
}

export const parseList = (text: string): string[] => text.split(',').map((part) => part.trim())

/** An id, also in the form of a deferred task, and with characters added by copying. */
export const parseJobId = (text: string): string => plainId(text).replace(/^task_/, '')
