import { readFile } from 'node:fs/promises'
import { decodeUtf8 } from '#shared/formats/plain-text.ts'
import type { CommandContext } from './command-context.ts'
import { UsageError } from './explain-error.ts'
import { NotJson, parseJson } from './parse.ts'

/**
 * The text of a file; `-` is stdin.
 * @param advice what to check where the file cannot be read
 * @throws UsageError
 */
export async function readText(
  { readStdin }: Pick<CommandContext, 'readStdin'>,
  file: string,
  advice = 'its name',
): Promise<string> {
  const reading: Promise<Uint8Array> = file === '-' ? readStdin() : readFile(file)
  const bytes = await reading.catch((error: unknown) => {
    throw new UsageError(`The file ${file} cannot be read; check ${advice}.`, { cause: error })
  })
  try {
    return decodeUtf8(bytes)
  } catch (error) {
    const what = file === '-' ? 'What stdin has' : `The file ${file}`
    throw new UsageError(`${what} is not UTF-8, so its text would change; nothing was sent.`, { cause: error })
  }
}

/** The JSON of a file; `-` is stdin. @throws UsageError */
export async function readJsonFile(
  context: Pick<CommandContext, 'readStdin'>,
  file: string,
  advice?: string,
): Promise<unknown> {
  const text = await readText(context, file, advice)
  try {
    return parseJson(text)
  } catch (error) {
    const what = file === '-' ? 'What stdin has' : `The file ${file}`
    const sentence =
      error instanceof NotJson
        ? `${what} is not valid JSON: ${error.place}.`
        : `${what} cannot be sent: ${error instanceof Error ? error.message : String(error)}`
    throw new UsageError(sentence, { cause: error })
  }
}
