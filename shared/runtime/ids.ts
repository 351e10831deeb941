import { customAlphabet } from 'nanoid'
import { makeJobId, RANDOM_ALPHABET, RANDOM_LENGTH } from '#shared/contracts/job-id.ts'

const randomPart = customAlphabet(RANDOM_ALPHABET, RANDOM_LENGTH)

export const newJobId = (nowMs: number): string => makeJobId(nowMs, randomPart())

/** Marks one publish; long enough that two never meet. */
export const newNonce = (): string => randomPart()

export const newShortId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 6)
