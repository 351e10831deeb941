// JSON has numbers of any length, and JSON.parse makes doubles of them: a long id comes back as a different one. These
// functions find such numbers in the text beforehand.

/** A number that JSON.parse would change. */
export interface LostNumber {
  /** The number as it appears in the text. */
  text: string
  /** Where the number is (RFC 6901). */
  pointer: string
  reason: 'changed' | 'too large'
}

/** Whole numbers with at most this many digits are always exact. */
const ALWAYS_KEPT_LENGTH = 15
const DIGITS = /^-?\d+$/
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * What JSON.parse does to a number: a whole one that is written differently afterwards is `changed`. A fraction becomes
 * the nearest double, as everybody expects of fractions.
 * @param text a number in JSON syntax
 */
export function lossOf(text: string): LostNumber['reason'] | null {
  if (text.length <= ALWAYS_KEPT_LENGTH && DIGITS.test(text)) return null
  const kept = Number(text)
  if (!Number.isFinite(kept)) return 'too large'
  const written = decimalOf(text)
  const isWhole = written.exponent >= 0
  return isWhole && !isSame(written, decimalOf(String(kept))) ? 'changed' : null
}

/** The same for a number that JavaScript wrote: whole and beyond 2^53, it may stand for a different one. */
export const unsafeLossOf = (text: string): LostNumber['reason'] | null =>
  text.length > ALWAYS_KEPT_LENGTH && DIGITS.test(text) && !Number.isSafeInteger(Number(text)) ? 'changed' : null

interface Decimal {
  /** Digits without zeros at either end; empty for 0. */
  digits: string
  /** Power of ten of the last digit. */
  exponent: number
  isNegative: boolean
}

function decimalOf(text: string): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? []
  const all = (whole + fraction).replace(/^0+/, '')
  // By hand: a pattern would try each of a million zeros in the middle again.
  let length = all.length
  while (all.charCodeAt(length - 1) === 0x30) length--
  const digits = all.slice(0, length)
  if (digits === '') return { digits, exponent: 0, isNegative: false }
  return { digits, exponent: Number(exponent) - fraction.length + all.length - digits.length, isNegative: sign === '-' }
}

const isSame = (one: Decimal, other: Decimal): boolean =>
  one.digits === other.digits && one.exponent === other.exponent && one.isNegative === other.isNegative

/** Position after a string, its closing quote included. */
export function endOfString(json: string, start: number): number {
  let end = start + 1
  while (json.charCodeAt(end) !== 0x22) end += json.charCodeAt(end) === 0x5c ? 2 : 1
  return end + 1
}

const NUMBER_END = /[^0-9eE.+-]/g

/** Position after a number. */
export function endOfNumber(json: string, start: number): number {
  NUMBER_END.lastIndex = start
  return NUMBER_END.exec(json)?.index ?? json.length
}

const isNumberStart = (code: number): boolean => code === 0x2d || (code >= 0x30 && code <= 0x39)

/**
 * The first number of a text that JSON.parse would change.
 * @param json text that JSON.parse accepts
 */
export function findLostNumber(json: string, loss = lossOf): LostNumber | null {
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at)
    if (code === 0x22) at = endOfString(json, at)
    else if (isNumberStart(code)) {
      const text = json.slice(at, endOfNumber(json, at))
      const reason = loss(text)
      if (reason !== null) return { text, pointer: pointerAt(json, at), reason }
      at += text.length
    } else at++
  }
  return null
}

/** The sentence for whoever wrote the number. */
export const lostNumberDetail = ({ text, reason }: Pick<LostNumber, 'text' | 'reason'>): string =>
  reason === 'too large'
    ? 'is a number too large to be represented; send it as a string'
    : `is the whole number ${text.slice(0, 40)}, which JSON readers would change; send it as a string`

/**
 * The JSON pointer of the value that begins at a position.
 * @param json text that JSON.parse accepts
 */
export function pointerAt(json: string, position: number): string {
  const path: (string | number)[] = []
  /** Whether the next string names a member. */
  let isName = false
  for (let at = 0; at < position; at++) {
    const character = json[at]
    const last = path.at(-1)
    if (character === '"') {
      const end = endOfString(json, at)
      if (isName) path.splice(-1, 1, JSON.parse(json.slice(at, end)) as string)
      isName = false
      at = end - 1
    } else if (character === '[') {
      path.push(0)
      isName = false
    } else if (character === '{') {
      path.push('')
      isName = true
    } else if (character === ']' || character === '}') path.pop()
    else if (character === ',' && typeof last === 'number') path.splice(-1, 1, last + 1)
    else if (character === ',') isName = true
  }
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
