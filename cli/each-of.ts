import { HastyError } from '../client/index.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT, errorLine, explainError } from './explain-error.ts'

/**
 * Does the work for each name. A refusal is reported, and the other names still get their turn. A server that does not
 * answer ends the loop, and the remaining names are reported.
 * @returns the exit code of the first refusal
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
      // In JSON output the remaining names are those without a record.
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
