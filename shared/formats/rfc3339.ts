const TIMESTAMP =
  /^(?!0000)(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T((?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d|60)(\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * The moment of an RFC 3339 timestamp, in milliseconds since 1970, finer fractions cut off; NaN for any other text. A
 * leap second, where one can be, is the first second of the next day.
 */
export function epochMsOf(text: string): number {
  const [matched, year = '', month = '', day = '', time = '', second = '', fraction = '', offset = ''] =
    TIMESTAMP.exec(text) ?? []
  if (matched === undefined || Number(day) > daysIn(Number(year), Number(month))) return Number.NaN
  const date = `${year}-${month}-${day}`
  // The Z may be lower case, like the T.
  const zone = offset.toUpperCase()
  if (second !== '60') return Date.parse(`${date}T${time}:${second}${fraction.slice(0, 4)}${zone}`)
  const after = Date.parse(`${date}T${time}:59${zone}`) + 1_000
  return after % DAY_MS === 0 ? after : Number.NaN
}

/** @param month from 1 */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
