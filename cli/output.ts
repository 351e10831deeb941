import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Where a command writes: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean
  /** stderr is a terminal: a line there may be written over. */
  readonly isInteractive: boolean
  /** Characters a line may have. */
  readonly columns: number
  /** A line of the result, for people. */
  line(text: string): void
  /** A result, or one of many, on a line of its own. */
  record(value: unknown): void
  /** A line on stderr. */
  note(text: string): void
  /** Text on stderr that the next one takes the place of; only where it is interactive. */
  status(text: string): void
  paint(style: Style, text: string): string
}

export interface OutputOptions {
  json: boolean
  /** false: `--no-color`. Otherwise NO_COLOR, FORCE_COLOR and the terminal say. */
  color: boolean
}

interface Streams {
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
}

const ERASE_LINE = '\r\u001B[2K'

export function makeOutput({ stdout, stderr, json, color }: Streams & OutputOptions): Output {
  let hasStatus = false
  const { isTTY: isInteractive } = stderr
  const clear = () => {
    if (hasStatus) stderr.write(ERASE_LINE)
    hasStatus = false
  }
  const write = (text: string) => {
    clear()
    stdout.write(`${text}\n`)
  }
  return {
    json,
    isInteractive,
    // A terminal of no known width says 0.
    columns: stdout.columns || 200,
    line: (text) => write(withoutControls(text)),
    record: (value) => write(JSON.stringify(value)),
    note: (text) => {
      clear()
      stderr.write(`${withoutControls(text)}\n`)
    },
    status: (text) => {
      if (!isInteractive) return
      stderr.write(ERASE_LINE + withoutControls(text))
      hasStatus = text !== ''
    },
    paint: (style, text) => (color ? styleText(style, text, { stream: stdout }) : text),
  }
}

const ESCAPE = '\u001B'

/** Names, errors and results are other people's text: nothing in them may steer the terminal. Colours pass. */
export const withoutControls = (text: string): string =>
  text.replaceAll(/\p{Cc}\[[\d;]*m|\p{Cc}/gu, (found) =>
    found.length > 1 && found.startsWith(ESCAPE) ? found : found.replace(/\p{Cc}/u, '\uFFFD'),
  )
