import { withoutMark } from '#shared/formats/plain-text.ts'
import type { NewMessage } from '../client/index.ts'
import type { CommandContext } from './command-context.ts'
import { UsageError } from './explain-error.ts'
import { placeOf } from './json-fault.ts'
import { changeByParsing, toSentence } from './parse.ts'
import { readText } from './read-text.ts'

/**
 * The messages of a file: a JSON array, or one JSON value per line; `-` is stdin. The server checks them.
 * @throws UsageError
 */
export async function readMessages(context: Pick<CommandContext, 'readStdin'>, file: string): Promise<NewMessage[]> {
  const text = withoutMark(await readText(context, file))
  const messages = text.trimStart().startsWith('[') ? (parse(text, 'The array', 1) as NewMessage[]) : readLines(text)
  if (messages.length === 0) throw new UsageError('The file has no messages; nothing was sent.')
  return messages
}

const readLines = (text: string): NewMessage[] =>
  text.split('\n').flatMap((line, n) => (line.trim() === '' ? [] : [parse(line, `Line ${n + 1}`, n + 1) as NewMessage]))

/** @param firstLine number of the line with which the text begins */
function parse(text: string, what: string, firstLine: number): unknown {
  const value = valueOf(text, what, firstLine)
  const change = changeByParsing(text)
  if (change === null) return value
  throw new UsageError(`${what}: ${toSentence(change)}; nothing was sent.`)
}

function valueOf(text: string, what: string, firstLine: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const place = placeOf(text, firstLine)
    throw new UsageError(`${what} is not valid JSON (${place}); nothing was sent.`, { cause: error })
  }
}

/** Number of messages that the server accepts at once. */
const CHUNK_MESSAGES = 10_000
const CHUNK_BYTES = 8 * 1024 * 1024 - 2

/** Chunks in the order of the messages, as few as possible; the same messages make the same chunks. */
export function chunksOf(messages: readonly NewMessage[]): NewMessage[][] {
  const chunks: NewMessage[][] = []
  let chunk: NewMessage[] = []
  let bytes = 0
  for (const message of messages) {
    const size = Buffer.byteLength(JSON.stringify(message)) + 1
    if (chunk.length === CHUNK_MESSAGES || (chunk.length > 0 && bytes + size > CHUNK_BYTES)) {
      chunks.push(chunk)
      chunk = []
      bytes = 0
    }
    chunk.push(message)
    bytes += size
  }
  return chunk.length === 0 ? chunks : [...chunks, chunk]
}
