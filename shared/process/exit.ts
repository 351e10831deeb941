import { messageOf } from '#shared/errors/foreign.ts'
import { ConfigError } from './config.ts'

/** Exit codes: 0 stopped as asked, 1 broke, 2 settings that cannot be used. */
export const EXIT = { ok: 0, failed: 1, badSettings: 2 } as const

const BAD_SETTINGS = 'These settings cannot be used:'

/**
 * For a command that runs once: says on stderr why it ends, without a stack.
 * @returns the exit code
 */
export function explainEnd(error: unknown, what: string): number {
  const text = messageOf(error)
  const isConfig = error instanceof ConfigError
  process.stderr.write(isConfig ? `${BAD_SETTINGS}\n${text.replaceAll(/^/gm, '  ')}\n` : `${what}${text}\n`)
  return isConfig ? EXIT.badSettings : EXIT.failed
}

/** The complaints in what a process of ours wrote to stderr when it ended with EXIT.badSettings. */
export const complaintsIn = (stderr: string): string[] =>
  (stderr.split(`${BAD_SETTINGS}\n`)[1] ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
