import { Hasty } from '#shared/client/index.ts'
import type { Interrupts } from './interrupts.ts'
import type { Output, OutputOptions } from './output.ts'
import { readSettings, type SettingsFlags } from './settings.ts'

/** The world around the program. */
export interface ProgramDeps {
  version: string
  env: Record<string, string | undefined>
  makeOutput: (options: OutputOptions) => Output
  interrupts: Interrupts
  readStdin: () => Promise<string>
  /** null: there is nobody at a terminal to be asked. */
  ask: ((question: string) => Promise<string>) | null
}

export interface GlobalFlags extends SettingsFlags {
  json?: true
  color: boolean
}

/** What a command works with. */
export interface CommandContext extends ProgramDeps {
  client: Hasty
  /** Another client, that repeats requests for so long. */
  newClient: (retryForMs: number) => Hasty
  out: Output
  signal: AbortSignal
}

/** A person who waits learns soon that nobody answers; a restart of the server is passed over. */
const RETRY_FOR_MS = 5_000

/** @throws UsageError */
export function makeContext(deps: ProgramDeps, flags: GlobalFlags): CommandContext {
  const { url, token } = readSettings(flags, deps.env)
  const out = deps.makeOutput({ json: flags.json ?? false, color: flags.color })
  const newClient = (retryForMs: number) =>
    new Hasty({ url, token, retryForMs, onRetry: ({ error }) => out.status(`${error.detail}, trying again ...`) })
  return { ...deps, client: newClient(RETRY_FOR_MS), newClient, out, signal: deps.interrupts.signal }
}

/** What a command does; a number is its exit code. */
export type Work<Args extends unknown[]> = (context: CommandContext, ...args: Args) => Promise<number | void>

/** Makes a commander action of it. */
export type Run = <Args extends unknown[]>(work: Work<Args>) => (...args: Args) => Promise<void>
