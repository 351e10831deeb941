import { HastyError } from '../client/index.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT, errorLine, explainError } from './explain-error.ts'

/**
 * Does something to each of several, also when one is refused: that is said, and the rest is done. Nobody who answers
 * ends it; what is left is said then.
 * @returns the exit code of the first that was refused
 */
export async function eachOf(
  { out, server, signal }: CommandContext,
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<number> {
  let exitCode: number = EXIT.ok
  for (const [n, name] of names.entries()) {
    try {
      await work(name)
    } catch (error) {
      const left = names.slice(n + 1).join(' ')
      const isRefused = !signal.aborted && error instanceof HastyError && error.status >= 400 && error.status < 500
      // For machines it is what has no record.
      if (left !== '' && !isRefused && !out.json) out.note(`Stopped at ${name}; not processed: ${left}`)
      if (names.length === 1 || !isRefused) throw error
      const explanation = explainError(error, server.url)
      const { sentence } = explanation
      out.note(errorLine({ ...explanation, sentence: `${name}: ${sentence}` }, out.json))
      if (exitCode === EXIT.ok) ({ exitCode } = explanation)
    }
  }
  return exitCode
}
