import { messageOf } from '#shared/errors/foreign.ts'
import { ConfigError } from './config.ts'

/** Exit codes: 0 stopped on request, 1 failed, 2 invalid settings. */
export const EXIT = { ok: 0, failed: 1, badSettings: 2 } as const

const BAD_SETTINGS = 'These settings cannot be used:'

/**
 * Says on stderr why a command that runs once ends, without a stack.
 * @returns the exit code
 */
export function explainEnd(error: unknown, what: string): number {
  const text = messageOf(error)
  const isConfig = error instanceof ConfigError
  process.stderr.write(isConfig ? `${BAD_SETTINGS}\n${text.replaceAll(/^/gm, '  ')}\n` : `${what}${text}\n`)
  return isConfig ? EXIT.badSettings : EXIT.failed
}

/** The complaints that a child process wrote to stderr when it ended with EXIT.badSettings. */
export const complaintsIn = (stderr: string): string[] =>
  (stderr.split(`${BAD_SETTINGS}\n`)[1] ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
