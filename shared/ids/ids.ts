import { hash } from 'node:crypto'
import { customAlphabet } from 'nanoid'
import { makeJobId, RANDOM_ALPHABET, RANDOM_LENGTH } from '#shared/contracts/log/job-id.ts'

const randomPart = customAlphabet(RANDOM_ALPHABET, RANDOM_LENGTH)

export const newJobId = (nowMs: number): string => makeJobId(nowMs, randomPart())

/**
 * The same id for the same parts, in any replica and however often: for a job that must be created exactly once.
 * @param timeMs the time that the id sorts by, milliseconds since 1970
 */
export function derivedJobId(timeMs: number, ...parts: (string | number)[]): string {
  return makeJobId(timeMs, lastDigits(BigInt(`0x${hash('sha256', JSON.stringify(parts), 'hex')}`)))
}

const HALF = RANDOM_LENGTH / 2
const HALF_BASE = RANDOM_ALPHABET.length ** HALF

/** The last digits of a number written to the base of the alphabet, the lowest first. */
export function lastDigits(number: bigint): string {
  const base = BigInt(HALF_BASE)
  const last = number % (base * base)
  // Eight digits fit into a number, which is divided much faster.
  return digits(Number(last % base)) + digits(Number(last / base))
}

function digits(number: number): string {
  let rest = number
  let text = ''
  for (let n = 0; n < HALF; n++) {
    text += RANDOM_ALPHABET[rest % RANDOM_ALPHABET.length]
    rest = Math.floor(rest / RANDOM_ALPHABET.length)
  }
  return text
}

/** Marks one publish; long enough that two never collide. */
export const newNonce = (): string => randomPart()

export const newShortId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 6)
