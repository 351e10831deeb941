import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { withoutMark } from '#shared/formats/plain-text.ts'
import { UsageError } from './explain-error.ts'
import { placeOf } from './json-fault.ts'

export interface Settings {
  url: string
  token: string | undefined
  /** Credentials to fetch a token with; given where there is no token. */
  credentials: { clientId: string; clientSecret: string } | undefined
}

export interface SettingsFlags {
  url?: string
  tokenFile?: string
}

type Env = Record<string, string | undefined>

const DEFAULT_URL = 'http://localhost:8080'

/**
 * Reads flags first, then the environment (a token before client credentials), then the config file. The file's token
 * is sent only to the file's address, so that no other address gets it.
 * @throws UsageError
 */
export function readSettings(flags: SettingsFlags, env: Env): Settings {
  const path = configPath(env)
  const file = readConfig(path, env['HASTY_CONFIG'] !== undefined)
  const givenUrl = flags.url ?? textOf(env['HASTY_URL'])
  const url = givenUrl ?? file.url ?? DEFAULT_URL
  if (!/^https?:$/.test(protocolOf(url))) {
    throw new UsageError(
      `${url} is not an HTTP address; give one such as http://localhost:8080 with --url or HASTY_URL.`,
    )
  }
  const ownToken =
    flags.tokenFile === undefined ? textOf(env['HASTY_TOKEN']) : readSecret(flags.tokenFile, '--token-file')
  const credentials = ownToken === undefined ? readCredentials(env) : undefined
  const isOfFile = credentials === undefined && (givenUrl === undefined || givenUrl === file.url)
  return { url, token: ownToken ?? (isOfFile ? file.token : undefined), credentials }
}

/** The client credentials; one without the other is an error. */
function readCredentials(env: Env): Settings['credentials'] {
  const clientId = textOf(env['HASTY_CLIENT_ID'])
  const clientSecret = textOf(env['HASTY_CLIENT_SECRET'])
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret }
}

export const configPath = (env: Env): string =>
  env['HASTY_CONFIG'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'hasty/config.json')

function readConfig(path: string, mustBe: boolean): { url?: string; token?: string } {
  let text: string
  try {
    text = withoutMark(readFileSync(path, 'utf8'))
  } catch (error) {
    if (!mustBe && (error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new UsageError(`The config file ${path} cannot be read; check HASTY_CONFIG.`, { cause: error })
  }
  const config = parse(text, path)
  for (const [name, value] of Object.entries(config)) {
    const isKnown = name === 'url' || name === 'token'
    if (!isKnown)
      throw new UsageError(`The config file ${path} has an unknown member "${name}"; only url and token are allowed.`)
    if (typeof value !== 'string') throw new UsageError(`In the config file ${path}, "${name}" must be a string.`)
  }
  return config
}

function parse(text: string, path: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, string>
  } catch (error) {
    const place = placeOf(text)
    throw new UsageError(`The config file ${path} is not valid JSON (${place}); write it like {"url": "..."}.`, {
      cause: error,
    })
  }
  throw new UsageError(`The config file ${path} must be a JSON object, such as {"url": "..."}.`)
}

/** @throws UsageError */
export function readSecret(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new UsageError(`The file ${path} cannot be read; check ${option}.`, { cause: error })
  }
}

/** The text without a line end, which a shell's `$(cat file)` removes and an .env file may keep. */
export const textOf = (value: string | undefined): string | undefined => {
  const text = value?.trim()
  return text === '' ? undefined : text
}

const protocolOf = (url: string): string => (URL.canParse(url) ? new URL(url).protocol : '')
