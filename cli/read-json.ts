import { readFile } from 'node:fs/promises'
import type { CommandContext } from './command-context.ts'
import { UsageError } from './explain-error.ts'
import { parseJson } from './parse.ts'

/** The JSON of a file; `-` is stdin. @throws UsageError */
export async function readJsonFile({ readStdin }: Pick<CommandContext, 'readStdin'>, file: string): Promise<unknown> {
  const text =
    file === '-'
      ? await readStdin()
      : await readFile(file, 'utf8').catch((error: unknown) => {
          throw new UsageError(`The file ${file} cannot be read; check its name.`, { cause: error })
        })
  try {
    return parseJson(text)
  } catch (error) {
    throw new UsageError(`${file === '-' ? 'What stdin has' : `The file ${file}`} is not valid JSON.`, { cause: error })
  }
}
