const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'

/** The three forms of RFC 9110, 5.6.7: the one that servers should write, and two older ones. */
const FORMS = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/** Two-digit years below this belong to this century. */
const CENTURY_FROM = 70

/** The moment of an HTTP date, in milliseconds since 1970; NaN for any other text (Date.parse reads "1" as 2001). */
export function httpDateMs(text: string): number {
  const groups = FORMS.map((form) => form.exec(text.trim())?.groups).find((found) => found !== undefined)
  if (groups === undefined) return Number.NaN
  const [year, day, hour, minute, second] = ['year', 'day', 'hour', 'minute', 'second'].map((name) =>
    Number(groups[name]),
  ) as [number, number, number, number, number]
  const fullYear = groups['year']?.length === 2 ? year + (year < CENTURY_FROM ? 2000 : 1900) : year
  const midnight = new Date(0).setUTCFullYear(fullYear, MONTHS.indexOf(groups['month'] ?? ''), day)
  // The 31st of February is no date, but a leap second is one.
  if (new Date(midnight).getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return Number.NaN
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000
}
