import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'
import { messageOf } from '#shared/errors/foreign.ts'
import { KEPT_MAX_MS, TIMER_MAX_MS } from '#shared/formats/durations.ts'
import { withoutMark } from '#shared/formats/plain-text.ts'

/** What keeps a process from starting until somebody changes it, and a restart does not help. */
export interface Complaint {
  about: 'settings' | 'handlers'
  /** Names one setting or file. Lines after the first are indented. */
  text: string
}

/** One or more settings are invalid, or handlers cannot be loaded. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly complaints: readonly Complaint[]

  /** @param said complaints, or a text about settings: one in each line */
  constructor(said: string | readonly Complaint[], options?: ErrorOptions) {
    const complaints =
      typeof said === 'string' ? said.split('\n').map((text) => ({ about: 'settings' as const, text })) : said
    super(complaints.map(({ text }) => text).join('\n'), options)
    this.complaints = complaints
  }
}

export type Environment = Record<string, string | undefined>

/** The only place that reads the process's environment. */
export const environment = (): Environment => process.env

// Every setting is described where it is declared: `npm run describe-settings` generates docs/configuration.md from it.

/** A whole number in [min, max]. Durations have helpers of their own. */
export const integerSetting = (fallback: number, min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^-?\d+$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback)
    .meta({ min, max })

/** Milliseconds that something waits or takes: at most the longest time of a timer, 24.8 days. */
export const durationSetting = (fallbackMs: number, minMs: number, maxMs = TIMER_MAX_MS) =>
  integerSetting(fallbackMs, minMs, maxMs)
/** Milliseconds that something is kept or remembered, which no timer counts: at most a hundred years. */
export const retentionSetting = (fallbackMs: number, minMs: number) => integerSetting(fallbackMs, minMs, KEPT_MAX_MS)

export const textSetting = (fallback: string) => z.string().default(fallback)
export const optionalText = () => z.string().optional()
export const choiceSetting = <const T extends readonly [string, ...string[]]>(choices: T, fallback: T[number]) =>
  z
    .enum(choices, `expected one of ${choices.join(', ')}`)
    .default(fallback as never)
    .meta({ values: choices.join(', ') })
/** Some of the choices, with commas; `none`; all by default. */
export const choicesSetting = <const T extends readonly [string, ...string[]]>(choices: T) =>
  z
    .string()
    .transform((text) => (text === 'none' ? [] : text.split(',').map((name) => name.trim())))
    .pipe(z.array(z.enum(choices, `expected none, or some of ${choices.join(',')}`)))
    .default([...choices])
    .meta({ values: `\`none\`, or some of \`${choices.join(',')}\`` })
export const flagSetting = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'], 'expected true or false')
    .transform((text) => text === 'true' || text === '1')
    .default(fallback)

/** `http://host:port,...` without a path; none by default. */
export const addressesSetting = () =>
  z
    .string()
    .transform((text) => text.split(',').map((address) => address.trim().replace(/\/$/, '')))
    .refine((addresses) => addresses.every(isAddress), 'expected http://host:port, several with commas')
    .default([])
    .meta({ values: '`http://host:port`, several with commas' })

const isAddress = (text: string): boolean => URL.canParse(text) && /^http:\/\/[^/?#@]+$/.test(text)

/** `https://host,...` as browsers send origins; none by default. */
export const originsSetting = () =>
  z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((origins) => origins.every(isOrigin), 'expected https://host or http://host, several with commas')
    .default([])
    .meta({ values: '`https://host`, several with commas' })

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text && text !== 'null'

/** Port 0 lets the system choose. */
export const portSetting = (fallback: number) => integerSetting(fallback, 0, 65_535)

/** Settings that every service has. */
export const commonSettings = {
  NATS_URL: textSetting('nats://127.0.0.1:4222').describe('Address of the broker; several with commas.'),
  NATS_USER: optionalText().describe("The service's own user of the broker."),
  NATS_PASSWORD: optionalText().describe('The password of NATS_USER.'),
  NATS_GROUP_COMMIT: flagSetting(false).describe(
    'Commit publishes in groups: set it where the broker syncs every write (NATS_SYNC=always).',
  ),
  HOST: textSetting('127.0.0.1').describe('Address to listen on. On any other than loopback, AUTH must be set.'),
  LOG_FORMAT: z
    .enum(['json', 'pretty'], 'expected json or pretty')
    .optional()
    .meta({ values: 'json, pretty' })
    .describe('Format of the log: by default pretty on a terminal, else json.'),
  LOG_LEVEL: choiceSetting(['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const, 'info').describe(
    'The lowest level that is logged. The signal USR2 switches a service to `debug` and back.',
  ),
  DATA_DIR: textSetting('./.hasty').describe('Folder of the embedded stores, and of the broker of `npm start`.'),
  HASTY_REPLICAS: integerSetting(1, 1, 5).describe('Copies of each stream: 3 on a cluster of three brokers.'),
}

/** Names of secrets, whose values are left out of error messages. */
const SECRET_NAME = /SECRET|PASSWORD|TOKEN/

/** `[upper, lower]`: two settings of which the first must be at least the second. */
type AtLeast<T> = readonly [upper: keyof T & string, lower: keyof T & string]

/**
 * Parses settings once; the result is frozen. An empty value counts as unset. Each setting may come from a file
 * instead, named by the setting with the suffix `_FILE`: secrets are passed that way.
 * @throws ConfigError that names every bad setting at once
 */
export function parseConfig<T extends z.ZodRawShape>(
  shape: T,
  env: Environment,
  atLeast: readonly AtLeast<T>[] = [],
): Readonly<z.output<z.ZodObject<T>>> {
  const given: Environment = {}
  const lines: string[] = []
  for (const name of Object.keys(shape)) {
    const file = env[`${name}_FILE`]
    if (env[name] !== undefined && env[name] !== '') given[name] = env[name]
    else if (file !== undefined && file !== '') given[name] = readSecret(`${name}_FILE`, file, lines)
  }
  const parsed = z.object(shape).safeParse(given)
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0])
    const got = SECRET_NAME.test(name) ? 'something that is not shown' : JSON.stringify(given[name] ?? null)
    lines.push(`${name}: ${issue.message}, got ${got}`)
  }
  lines.push(...atLeast.flatMap((pair) => tooSmall(shape, given, pair)))
  if (!parsed.success || lines.length > 0) throw new ConfigError(lines.join('\n'))
  return Object.freeze(parsed.data)
}

/**
 * Complaints about a pair in the wrong order, even if a third setting is invalid: everything is reported at once.
 * Silent about a setting that is invalid by itself.
 */
function tooSmall<T extends z.ZodRawShape>(shape: T, given: Environment, [upper, lower]: AtLeast<T>): string[] {
  const [high, low] = [upper, lower].map((name) => z.safeParse(shape[name] as z.ZodType, given[name]).data)
  if (!(typeof high === 'number' && typeof low === 'number' && high < low)) return []
  return [`${upper}: must be at least ${lower} (${low}), got ${high}`]
}

/**
 * Log settings for the time before a service has read its settings, or when it cannot: an invalid one counts as unset.
 */
export function readLogSettings(env: Environment) {
  const { LOG_LEVEL, LOG_FORMAT } = commonSettings
  return parseConfig({ LOG_LEVEL: LOG_LEVEL.catch('info'), LOG_FORMAT: LOG_FORMAT.catch(undefined) }, env)
}

function readSecret(name: string, file: string, problems: string[]): string | undefined {
  try {
    return withoutMark(readFileSync(file, 'utf8')).trimEnd()
  } catch (error) {
    problems.push(`${name}: cannot read ${file}: ${messageOf(error)}`)
    return undefined
  }
}

/** Readable, and unique for the life of a process: host, pid, random part. One subject token. */
export const makeReplicaId = (random: string): string =>
  `${hostname()
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 40)}-${process.pid}-${random}`
