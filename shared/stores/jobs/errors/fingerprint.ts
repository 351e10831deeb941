import type { Job, JobCause } from '#shared/contracts/log/job.ts'

/** The part of a message that is compared: what differs between two errors of one kind comes later, if at all. */
const COMPARED = 300

/** What differs from job to job, most telling first: each becomes a word in angle brackets. */
const VARIABLE_PARTS: readonly [RegExp, string][] = [
  [/"[^"\n]{0,200}"|'[^'\n]{0,200}'|`[^`\n]{0,200}`/g, '<text>'],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s)\]>]+/gi, '<address>'],
  [/(?:\b[a-z]:)?(?:[\\/][\w.@%+~-]+){2,}[\\/]?/gi, '<path>'],
  // Words with a digit that are no plain number: ids, hashes, dates.
  [/\b(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[a-z_-])\w[\w-]{3,80}\b/gi, '<id>'],
  [/\d+(?:[.,:]\d+)*/g, '<n>'],
]

/** The message without what differs from job to job. */
export const patternOf = (message: string): string =>
  VARIABLE_PARTS.reduce((text, [part, word]) => text.replaceAll(part, word), message.slice(0, COMPARED))

/** Fingerprints by what they were made of: an error is asked for several times while its batch is written. */
const known = new Map<string, string>()
const KNOWN_MAX = 2_000

/** The name of a kind of error: errors of one type of jobs with the same name, code and pattern have the same. */
export function fingerprintOf(type: string, { name, code, message }: JobCause): string {
  const about = `${type}\n${name}\n${code ?? ''}\n`
  const key = about + message.slice(0, COMPARED)
  const found = known.get(key)
  if (found !== undefined) return found
  const text = about + patternOf(message)
  const fingerprint = hash(text, 0x811c9dc5) + hash(text, 0x9e3779b9)
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(key, fingerprint)
  return fingerprint
}

/** The error that a job has now: why it failed or was cancelled, or why its next attempt is needed. */
export function currentError({ phase, error, attempts }: Pick<Job, 'phase' | 'error' | 'attempts'>): JobCause | null {
  if (phase === 'failed' || phase === 'cancelled') return error
  return phase === 'retrying' ? (attempts.at(-1)?.error ?? null) : null
}

/** 32 bits in hexadecimal. Nobody gains anything by two messages that have the same. */
function hash(text: string, seed: number): string {
  let bits = seed
  for (let n = 0; n < text.length; n++) bits = Math.imul(bits ^ text.charCodeAt(n), 0x01000193)
  bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca6b)
  bits ^= bits >>> 13
  return (bits >>> 0).toString(16).padStart(8, '0')
}
