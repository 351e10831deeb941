/** A piece of a page that a reader would paste into a shell. */
export interface Block {
  /** The heading above it. */
  heading: string
  /** Whole commands, each with its continued lines. */
  commands: string[]
}

const COMMAND = /^(curl|hasty|npx hasty|npm |docker |url=|H=|while |export |\$ )/

/** The blocks of commands of a page: fenced as `sh`, or indented, where their first line is a command. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let lines: string[] = []
  let fence: string | null = null
  const close = () => {
    const [first = ''] = lines
    // Beside a prompt stands what the commands print.
    if (first.startsWith('$ ')) lines = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
    if (COMMAND.test(first)) blocks.push({ heading, commands: commandsOf(lines) })
    lines = []
  }
  for (const line of [...page.split('\n'), '']) {
    const fenced = /^```(\w*)$/.exec(line)
    if (fenced !== null) {
      close()
      fence = fence === null ? (fenced[1] ?? '') : null
    } else if (fence === 'sh') lines.push(line)
    else if (fence === null && line.startsWith('    ')) lines.push(line.slice(4))
    else if (fence === null) {
      close()
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
    }
  }
  return blocks
}

/** A command goes on after a backslash, within quotes, to the end of a loop, and with options below it. */
function commandsOf(lines: string[]): string[] {
  const commands: string[] = []
  let open = ''
  for (const line of lines) {
    if (open === '' && (line.trim() === '' || line.startsWith('#'))) continue
    if (open === '' && /^ +(--|\[--)/.test(line)) {
      commands.push(`${commands.pop() ?? ''}\n${line}`)
      continue
    }
    open = open === '' ? line : `${open}\n${line}`
    const isQuoted = (open.replaceAll(/\\'/g, '').match(/'/g)?.length ?? 0) % 2 === 1
    const isLoop = open.startsWith('while ') && !open.endsWith('\ndone')
    if (line.endsWith('\\') || isQuoted || isLoop) continue
    commands.push(open)
    open = ''
  }
  return commands
}
