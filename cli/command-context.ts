import { clientCredentials, Hasty, type TokenSource, type TransportOptions } from '../client/index.ts'
import type { Interrupts } from './interrupts.ts'
import type { Output, OutputOptions } from './output.ts'
import { readSettings, type SettingsFlags } from './settings.ts'

/** The world around the program. */
export interface ProgramDeps {
  version: string
  env: Record<string, string | undefined>
  makeOutput: (options: OutputOptions) => Output
  interrupts: Interrupts
  readStdin: () => Promise<Uint8Array>
  /** null: there is nobody at a terminal who could answer. */
  ask: ((question: string) => Promise<string>) | null
}

export interface GlobalFlags extends SettingsFlags {
  json?: true
  color: boolean
}

/** Everything that a command works with. */
export interface CommandContext extends ProgramDeps {
  client: Hasty
  /** Makes another client, which repeats requests for this long. */
  newClient: (retryForMs: number) => Hasty
  /** Options of requests that no client sends. */
  server: TransportOptions
  /** The token of the client's requests, or what fetches one. */
  token: TokenSource | undefined
  out: Output
  signal: AbortSignal
}

/** How long requests are repeated: long enough for a restart of the server, and short enough for a person who waits. */
const RETRY_FOR_MS = 5_000

/** @throws UsageError */
export function makeContext(deps: ProgramDeps, flags: GlobalFlags): CommandContext {
  const settings = readSettings(flags, deps.env)
  const out = deps.makeOutput({ json: flags.json ?? false, color: flags.color })
  const server: TransportOptions = {
    url: settings.url,
    retryForMs: RETRY_FOR_MS,
    onRetry: ({ error }) => out.status(`${error.detail}, retrying ...`),
  }
  // One for all clients of this process.
  const token =
    settings.credentials === undefined ? settings.token : clientCredentials({ ...server, ...settings.credentials })
  const newClient = (retryForMs: number) => new Hasty({ ...server, token, retryForMs })
  return { ...deps, client: newClient(RETRY_FOR_MS), newClient, server, token, out, signal: deps.interrupts.signal }
}

/** The work of a command; a number is its exit code. */
export type Work<Args extends unknown[]> = (context: CommandContext, ...args: Args) => Promise<number | void>

/** Turns the work into a commander action. */
export type Run = <Args extends unknown[]>(work: Work<Args>) => (...args: Args) => Promise<void>
