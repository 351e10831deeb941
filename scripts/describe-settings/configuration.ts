import { describeSetting } from './describe-setting.ts'
import { SECTIONS } from './readers.ts'

const LINE_LENGTH = 120

const HEAD = `<!-- Made by \`npm run describe-settings\` from services/*/config.ts and what they share. Do not edit. -->

# Configuration

Settings are environment variables. All bad values are named at once, and end the start with exit code 2. An empty value
counts as unset. Every setting of a service may lie in a file instead: \`NATS_PASSWORD_FILE=/run/secrets/job\`.

\`npm start\` passes everything that it is given on to the services; \`setup\` and the processes of isolated jobs read the
settings of job. Compose has a few settings of its own and some other defaults: [deploy](how-to/deploy.md#settings).
The command line has its own too: [cli](how-to/cli.md). \`npm start\` uses NATS_SERVER_BIN, if it is set, as the path of
nats-server.
`

/** The page docs/configuration.md. */
export function describeSettings(): string {
  const shown = new Set<string>()
  const sections = Object.entries(SECTIONS).map(([title, shape]) => {
    const names = Object.keys(shape).filter((name) => !shown.has(name))
    for (const name of names) shown.add(name)
    return `\n## ${title}\n\n${names.map((name) => wrap(describeSetting(name))).join('\n')}\n`
  })
  return HEAD + sections.join('')
}

/** A name in code style counts as one word. */
const WORDS = /`[^`]*`\S*|\S+/g

/** An item of a list, wrapped. */
function wrap(item: string): string {
  const lines: string[] = []
  let line = '-'
  for (const word of item.match(WORDS) ?? []) {
    if (line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line)
      line = ' '
    }
    line += ` ${word}`
  }
  return [...lines, line].join('\n')
}
