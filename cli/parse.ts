import { InvalidArgumentError } from 'commander'

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `30s`, `5m`, `2h`, `1d`; a bare number is seconds. @returns milliseconds */
export function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError('Give a duration as 500ms, 30s, 5m or 2h.')
  return Math.round(Number(digits) * (unitMs[unit] ?? 0))
}

/** `1,2,3.5` */
export function parseNumbers(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (!numbers.every(Number.isFinite)) throw new InvalidArgumentError('Give numbers with commas between, as 1,2,3.')
  return numbers
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
  if (!(value > 0) || value > 100_000) throw new InvalidArgumentError('Give a number above 0, as 50 or 0.5.')
  return value
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('It is not valid JSON; in a shell put it in single quotes, as \'{"ms": 100}\'.')
  }
}

export const parseList = (text: string): string[] => text.split(',').map((part) => part.trim())

/** An id, also as a deferred task is called. */
export const parseJobId = (text: string): string => text.replace(/^task_/, '')
