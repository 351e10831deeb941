import { Command, CommanderError } from 'commander'
import type { GlobalFlags, ProgramDeps, Run } from './command-context.ts'
import { COMMANDS, type Define, type Load } from './command-list.ts'
import { EXIT, errorLine, explainError } from './explain-error.ts'
import { readSettings } from './settings.ts'

/** Runs one command line. @returns the exit code */
export async function runProgram(args: string[], deps: ProgramDeps): Promise<number> {
  let exitCode: number = EXIT.ok
  const program = new Command('hasty')
  const run: Run =
    (work) =>
    async (...given) => {
      // Only commands that do something need the client.
      const { makeContext } = await import('./command-context.ts')
      exitCode = (await work(makeContext(deps, program.opts<GlobalFlags>()), ...given)) ?? EXIT.ok
    }
  // Read from the words themselves: a command line that cannot be parsed has no options yet.
  const json = args.includes('--json')
  describe(program, deps.version, json)
  listCommands(program, run, json)
  try {
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    return tell(error, deps, program.opts<GlobalFlags>())
  }
}

/** Adds all commands by name; what a command takes is defined when it is needed. */
function listCommands(program: Command, run: Run, json: boolean): void {
  const undefinedYet = new Map<Command, () => Promise<Define>>()
  const load: Load = async (command) => {
    const find = undefinedYet.get(command)
    if (find === undefined) return
    undefinedYet.delete(command)
    const define = await find()
    define(command, run, load)
    for (const each of [command, ...command.commands]) explainUsage(each, json)
  }
  for (const { name, aliases = [], description, find } of COMMANDS) {
    const command = program.command(name).aliases(aliases).description(description).configureHelp({})
    undefinedYet.set(command, find)
  }
  program.hook('preSubcommand', (_, command) => load(command))
}

function describe(program: Command, version: string, json: boolean): void {
  program
    .description('Create, follow and control jobs on a Hasty server.')
    .version(`hasty ${version}`, '-V, --version', 'show the version')
    .option('--url <address>', 'address of Hasty (or HASTY_URL; default http://localhost:8080)')
    .option('--token-file <file>', 'file with the token (or HASTY_TOKEN)')
    .option('--json', 'print JSON to stdout, and errors as JSON to stderr')
    .option('--no-color', 'disable colors (or NO_COLOR)')
    .helpOption('-h, --help', 'show help')
    // For the commands below this one, which has a help command of its own.
    .helpCommand('help [command]', 'show help for a command')
    .helpCommand(false)
    // What the commands take is not known yet.
    .configureHelp({ subcommandTerm: (command) => [command.name(), ...command.aliases()].join('|') })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExamples:\n  hasty add --i 1,2,3\n  hasty create sleep \'{"ms": 500}\' --wait 10s\n  hasty list --status failed\n' +
        '\nExit codes: 0 success, 1 job failed or cancelled, 2 usage error, 3 not found, 4 conflict, 5 not allowed,\n' +
        '6 too many requests, 7 no answer, 124 wait timed out, 130 interrupted.',
    )
  explainUsage(program, json)
}

/** Makes a command end its messages about a wrong command line with the help to read. */
function explainUsage(command: Command, json: boolean): void {
  const path = pathOf(command)
  const next =
    path === '' ? 'List all commands with: hasty help' : `Show how the command is used with: hasty help ${path}`
  command.configureOutput({ outputError: (text, write) => write(`${usageLine(text, next, json)}\n`) })
}

/** The words that name a command, without the program. */
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim()

/** Commander's message about a command line that it cannot parse. */
function usageLine(text: string, next: string, json: boolean): string {
  const sentence = text
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim()
    .replace(/\.? \((Did you mean .+\?)\)$/, '. $1')
    .replace(/([^.?)])$/, '$1.')
  const said = `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)} ${next}`
  return errorLine({ exitCode: EXIT.usage, code: 'usage', sentence: said }, json)
}

function tell(error: unknown, deps: ProgramDeps, flags: GlobalFlags): number {
  const explanation = explainError(error, urlOf(deps, flags))
  const out = deps.makeOutput({ json: flags.json ?? false, color: flags.color })
  out.note(errorLine(explanation, out.json))
  return explanation.exitCode
}

/** The url for an error message: unreadable settings may be the error itself. */
function urlOf(deps: ProgramDeps, flags: GlobalFlags): string {
  try {
    return readSettings(flags, deps.env).url
  } catch {
    return ''
  }
}
