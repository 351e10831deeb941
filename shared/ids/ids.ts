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
  let rest = BigInt(`0x${hash('sha256', JSON.stringify(parts), 'hex')}`)
  let text = ''
  const base = BigInt(RANDOM_ALPHABET.length)
  while (text.length < RANDOM_LENGTH) {
    text += RANDOM_ALPHABET[Number(rest % base)]
    rest /= base
  }
  return makeJobId(timeMs, text)
}

/** Marks one publish; long enough that two never collide. */
export const newNonce = (): string => randomPart()

export const newShortId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 6)
