import { fileURLToPath } from 'node:url'

/** Where in a source file an error arose. */
export interface SourcePlace {
  /** A path. */
  file: string
  line: number
  /** null where Node does not tell it. */
  column: number | null
}

/** What Node writes above some errors: the file with its line, then the code with a mark under the column. */
const HEAD = /^(?<file>file:\/\/\S+|\/[^\n]*|[A-Za-z]:\\[^\n]*):(?<line>\d+)\n/m
const MARK = /^(?<before>[ \t]*)\^/m
const FRAME =
  /^ {4}at (?:(?<name>.+) \()?(?<file>file:\/\/[^\s)]+|\/[^)]+|[A-Za-z]:\\[^)]+):(?<line>\d+):(?<column>\d+)\)?$/

/**
 * The place that Node put above an error, as it does for syntax errors and for names that a module does not export.
 * @param stack of the error, or what Node printed when it ended by the error
 */
export function placeAbove(stack: string): SourcePlace | null {
  const [above = ''] = stack.split(/\n {4}at /, 1)
  const found = HEAD.exec(above)
  if (found === null) return null
  const { file = '', line } = found.groups ?? {}
  const before = MARK.exec(above.slice(found.index))?.groups?.['before']
  return { file: pathOf(file), line: Number(line), column: before === undefined ? null : before.length + 1 }
}

/** A line of a stack that is not Node's own. */
export interface SourceFrame extends SourcePlace {
  /** The function, where it has a name. */
  name: string | null
}

/** The frames of a stack, the innermost first, up to the first one in these files; those of Node itself are left out. */
export function framesOf(stack: string, until: readonly string[]): SourceFrame[] {
  const frames = stack.split('\n').flatMap((text): SourceFrame[] => {
    const found = FRAME.exec(text)?.groups
    if (found === undefined) return []
    const { name = null, file = '', line, column } = found
    return [{ name, file: pathOf(file), line: Number(line), column: Number(column) }]
  })
  const end = frames.findIndex(({ file }) => until.includes(file))
  return end === -1 ? frames : frames.slice(0, end)
}

export const placeText = ({ file, line, column }: SourcePlace): string =>
  `${file}:${line}${column === null ? '' : `:${column}`}`

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file.replace(/\?.*$/, '')) : file)
