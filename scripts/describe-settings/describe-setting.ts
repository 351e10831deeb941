import { z } from 'zod'
import { DAY, HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'
import { BACKUP, READERS, START } from './readers.ts'

type Units = readonly (readonly [size: number, unit: string])[]

const MS_UNITS: Units = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
  [SECOND, 's'],
]
const S_UNITS: Units = MS_UNITS.map(([size, unit]) => [size / SECOND, unit] as const)
const BYTE_UNITS: Units = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
]

/** One item of the page's lists: the name, its default and range, what it does, and who reads it. */
export function describeSetting(name: string): string {
  const readers = Object.entries(READERS).flatMap(([reader, shape]) => {
    const schema = shape[name]
    return schema === undefined ? [] : [{ reader, schema: schema as z.ZodType }]
  })
  const notes = new Set(readers.map(({ schema }) => schema.description ?? ''))
  const who = readers.map(({ reader }) => reader)
  return `\`${name}\` (${factsOf(name, readers)}): ${[...notes].join(' ')} Read by ${listOf(who)}.`
}

/** Default and range; with their readers where these do not agree. */
function factsOf(name: string, readers: { reader: string; schema: z.ZodType }[]): string {
  const byFacts = Map.groupBy(readers, ({ schema }) => `default ${defaultOf(name, schema)}${valuesOf(name, schema)}`)
  if (byFacts.size === 1) return [...byFacts.keys()].join('')
  return [...byFacts].map(([facts, group]) => `${listOf(group.map(({ reader }) => reader))}: ${facts}`).join('. ')
}

function defaultOf(name: string, schema: z.ZodType): string {
  const value = z.safeParse(schema, undefined).data
  if (typeof value === 'number') return readable(name, value)
  if (typeof value === 'string' || typeof value === 'boolean') return `\`${value}\``
  // All other values are lists, sets and maps of named things.
  return Array.isArray(value) && value.length > 0 ? `\`${value.join(',')}\`` : 'none'
}

function valuesOf(name: string, schema: z.ZodType): string {
  const { min, max, values } = schema.meta() ?? {}
  if (typeof values === 'string') return `; ${values}`
  if (typeof min !== 'number' || typeof max !== 'number') return ''
  return max === Number.MAX_SAFE_INTEGER ? `; ${min} or more` : `; ${min} to ${readable(name, max)}`
}

/** The number as it is set, and its meaning for people: `300000 = 5 min`. */
function readable(name: string, value: number): string {
  const units = name.endsWith('_MS') ? MS_UNITS : name.endsWith('_S') ? S_UNITS : BYTE_UNITS
  const found = /_(MS|S|BYTES)$/.test(name) ? units.find(([size]) => value >= size) : undefined
  if (found === undefined) return String(value)
  const [size, unit] = found
  return `${value} = ${Math.floor((value / size) * 10) / 10} ${unit}`
}

const COMMANDS = [START, BACKUP]
const SERVICES = Object.keys(READERS).filter((reader) => !COMMANDS.includes(reader))

function listOf(readers: string[]): string {
  const isEvery = SERVICES.every((service) => readers.includes(service))
  const words = isEvery ? ['every service', ...readers.filter((reader) => COMMANDS.includes(reader))] : readers
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}
