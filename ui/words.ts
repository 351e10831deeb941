// Numbers and times in words.

const whole = new Intl.NumberFormat('en')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A number with all of its digits: 1,234,567. */
export const count = (value: number): string => whole.format(value)

/** `1 job`, `2,000 jobs`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** A length of time in at most two units. */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < 10 * SECOND) return `${(Math.round(ms / 100) / 10).toString()} s`
  const seconds = Math.round(ms / SECOND) * SECOND
  if (seconds < MINUTE) return `${seconds / SECOND} s`
  if (seconds < HOUR) return twoUnits(seconds, MINUTE, 'min', SECOND, 's')
  const minutes = Math.round(ms / MINUTE) * MINUTE
  if (minutes < DAY) return twoUnits(minutes, HOUR, 'h', MINUTE, 'min')
  return twoUnits(ms, DAY, 'd', HOUR, 'h')
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const smalls = Math.round(ms / small)
  const perLarge = large / small
  const rest = smalls % perLarge
  const first = `${Math.floor(smalls / perLarge)} ${largeName}`
  return rest === 0 ? first : `${first} ${rest} ${smallName}`
}

/** Pauses between attempts: their kind, and from where to where they grow. */
export const backoffOf = ({
  kind,
  base_ms: base,
  max_ms: most,
}: {
  kind: string
  base_ms: number
  max_ms: number
}): string => `${kind}, ${duration(base)}${kind === 'fixed' || base === most ? '' : ` to ${duration(most)}`}`

/** How far a moment is from now, in one unit: `3 min ago`, `in 2 h`. */
export function relative(ms: number, nowMs: number): string {
  const away = Math.abs(ms - nowMs)
  if (away < SECOND) return 'now'
  const unit = away < MINUTE ? SECOND : away < HOUR ? MINUTE : away < DAY ? HOUR : DAY
  const name = unit === SECOND ? 's' : unit === MINUTE ? 'min' : unit === HOUR ? 'h' : 'd'
  const text = `${Math.floor(away / unit)} ${name}`
  return ms > nowMs ? `in ${text}` : `${text} ago`
}

const local = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** The moment itself, by the clocks here. */
export const exactHere = (iso: string): string => local.format(new Date(iso))

/** The moment itself, as it is here and as the log has it. */
export const exact = (iso: string): string => `${exactHere(iso)} here, ${iso}`

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayTime = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

/** A moment by the clock, with its day where that is not today. */
export function byClock(ms: number, nowMs: number): string {
  const isToday = new Date(ms).toDateString() === new Date(nowMs).toDateString()
  return (isToday ? clockTime : dayTime).format(ms)
}

export function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let left = value
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024
    unit++
  }
  return `${unit === 0 ? left : left.toFixed(left < 10 ? 1 : 0)} ${units[unit] ?? ''}`
}
