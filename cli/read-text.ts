import { readFile } from 'node:fs/promises'
import type { CommandContext } from './command-context.ts'
import { UsageError } from './explain-error.ts'
import { parseJson } from './parse.ts'

/**
 * What a file has; `-` is stdin.
 * @param advice what to check where it cannot be read
 * @throws UsageError
 */
export const readText = (
  { readStdin }: Pick<CommandContext, 'readStdin'>,
  file: string,
  advice = 'its name',
): Promise<string> =>
  file === '-'
    ? readStdin()
    : readFile(file, 'utf8').catch((error: unknown) => {
        throw new UsageError(`The file ${file} cannot be read; check ${advice}.`, { cause: error })
      })

/** The JSON of a file; `-` is stdin. @throws UsageError */
export async function readJsonFile(context: Pick<CommandContext, 'readStdin'>, file: string): Promise<unknown> {
  const text = await readText(context, file)
  try {
    return parseJson(text)
  } catch (error) {
    const what = file === '-' ? 'What stdin has' : `The file ${file}`
    const why = error instanceof Error && error.message.startsWith('number-out-of-range') ? error.message : null
    throw new UsageError(why === null ? `${what} is not valid JSON.` : `${what} cannot be sent: ${why}`, {
      cause: error,
    })
  }
}
