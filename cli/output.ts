import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Output of a command: results go to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean
  /** stderr is a terminal: a line there can be overwritten. */
  readonly isInteractive: boolean
  /** Width of a line in characters. */
  readonly columns: number
  /** Prints a line of the result, for people. */
  line(text: string): void
  /** Prints a result, or one of many, on a line of its own. */
  record(value: unknown): void
  /** Prints a line on stderr. */
  note(text: string): void
  /** Prints text on stderr that the next one overwrites; only where it is interactive. */
  status(text: string): void
  /** stdout is a terminal, of which the whole screen can be used. */
  readonly hasScreen: boolean
  /** Lines of the screen. */
  readonly rows: number
  /** Shows these lines in place of the whole screen. */
  screen(lines: string[]): void
  /** Gives the screen back as it was. */
  endScreen(): void
  paint(style: Style, text: string): string
}

export interface OutputOptions {
  json: boolean
  /** false: `--no-color`. Otherwise NO_COLOR, FORCE_COLOR and the terminal decide. */
  color: boolean
}

interface Streams {
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
}

/** The terminal's second screen, without a cursor; then the first one again. */
const ENTER_SCREEN = '\u001B[?1049h\u001B[?25l'
const LEAVE_SCREEN = '\u001B[?25h\u001B[?1049l'
const TO_START = '\u001B[H'
const ERASE_REST_OF_LINE = '\u001B[K'
const ERASE_REST = '\u001B[J'

const ERASE_LINE = '\r\u001B[2K'

export function makeOutput({ stdout, stderr, json, color }: Streams & OutputOptions): Output {
  let hasStatus = false
  let isOnScreen = false
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
    // A terminal of unknown width reports 0.
    get columns() {
      return stdout.columns || 200
    },
    get rows() {
      return stdout.rows || 50
    },
    hasScreen: stdout.isTTY,
    screen: (lines) => {
      const shown = lines.slice(0, stdout.rows || 50).map((line) => withoutControls(line) + ERASE_REST_OF_LINE)
      stdout.write(`${isOnScreen ? '' : ENTER_SCREEN}${TO_START}${shown.join('\r\n')}${ERASE_REST}`)
      isOnScreen = true
    },
    endScreen: () => {
      if (isOnScreen) stdout.write(LEAVE_SCREEN)
      isOnScreen = false
    },
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

/**
 * Text without control characters: names, errors and results come from others, and must not control the terminal.
 * Colours pass.
 */
export const withoutControls = (text: string): string =>
  text.replaceAll(/\p{Cc}\[[\d;]*m|\p{Cc}/gu, (found) =>
    found.length > 1 && found.startsWith(ESCAPE) ? found : found.replace(/\p{Cc}/u, '\uFFFD'),
  )
