import { fileURLToPath } from 'node:url'

/** Where in a source file an error arose. */
export interface SourcePlace {
  /** A path. */
  file: string
  line: number
  /** null where Node does not tell it. */
  column: number | null
}

/** What Node writes above some errors: the file with its line, the code, and often a mark under the column. */
const HEAD = /^(?<file>file:\/\/\S+|\/[^\n]*|[A-Za-z]:\\[^\n]*):(?<line>\d+)\n(?<code>[^\n]*)(?:\n(?<mark> *)\^)?/m
const FRAME =
  /^ {4}at (?:(?<name>.+) \()?(?<file>file:\/\/[^\s)]+|\/[^)]+|[A-Za-z]:\\[^)]+):(?<line>\d+):(?<column>\d+)\)?$/

/**
 * The place that Node put above an error, as it does for syntax errors and for names that a module does not export.
 * @param stack of the error, or what Node printed when it ended by the error
 * @param lineOf a line of a source file: where there is no mark, the code that Node cites tells the column
 */
export function placeAbove(stack: string, lineOf: (file: string, line: number) => string): SourcePlace | null {
  const [above = ''] = stack.split(/\n {4}at /, 1)
  const found = HEAD.exec(above)?.groups
  if (found === undefined) return null
  const file = pathOf(found['file'] ?? '')
  const line = Number(found['line'])
  if (found['mark'] !== undefined) return { file, line, column: found['mark'].length + 1 }
  const cited = (found['code'] ?? '').trim()
  const at = cited === '' ? -1 : lineOf(file, line).indexOf(cited)
  return { file, line, column: at === -1 ? null : at + 1 }
}

/** A line of a stack that is not Node's own. */
export interface SourceFrame extends SourcePlace {
  /** The function, where it has a name. */
  name: string | null
}

/** The frames of a stack, the innermost first, up to the first one in `until`; those of Node itself are left out. */
export function framesOf(stack: string, until: string): SourceFrame[] {
  const frames = stack.split('\n').flatMap((text): SourceFrame[] => {
    const found = FRAME.exec(text)?.groups
    if (found === undefined) return []
    const { name = null, file = '', line, column } = found
    return [{ name, file: pathOf(file), line: Number(line), column: Number(column) }]
  })
  const end = frames.findIndex(({ file }) => file === until)
  return end === -1 ? frames : frames.slice(0, end)
}

export const placeText = ({ file, line, column }: SourcePlace): string =>
  `${file}:${line}${column === null ? '' : `:${column}`}`

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file.replace(/\?.*$/, '')) : file)
