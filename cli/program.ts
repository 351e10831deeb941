import { Command, CommanderError } from 'commander'
import { type GlobalFlags, makeContext, type ProgramDeps, type Run } from './command-context.ts'
import { addAdmin } from './commands/admin.ts'
import { addCalculations } from './commands/calculate.ts'
import { addChangeCommands } from './commands/change-job.ts'
import { addCompletion } from './commands/completion.ts'
import { addCreate } from './commands/create.ts'
import { addDefinition } from './commands/definition.ts'
import { addList } from './commands/list.ts'
import { addLoad } from './commands/load.ts'
import { addLookup } from './commands/lookup.ts'
import { addMessage } from './commands/message.ts'
import { addRedrive } from './commands/redrive.ts'
import { addRequest } from './commands/request.ts'
import { addSchedules } from './commands/schedules.ts'
import { addShowCommands } from './commands/show.ts'
import { addToken } from './commands/token.ts'
import { addTypes } from './commands/types.ts'
import { addWatch } from './commands/watch.ts'
import { addWorkers } from './commands/workers.ts'
import { EXIT, errorLine, explainError } from './explain-error.ts'
import { readSettings } from './settings.ts'

/** Runs one command line. @returns the exit code */
export async function runProgram(args: string[], deps: ProgramDeps): Promise<number> {
  let exitCode: number = EXIT.ok
  const program = new Command('hasty')
  const run: Run =
    (work) =>
    async (...given) => {
      exitCode = (await work(makeContext(deps, program.opts<GlobalFlags>()), ...given)) ?? EXIT.ok
    }
  // Read from the words themselves: a command line that cannot be parsed has no options yet.
  describe(program, deps.version, args.includes('--json'))
  addCalculations(program, run)
  addLookup(program, run)
  addCreate(program, run)
  addShowCommands(program, run)
  addWatch(program, run)
  addChangeCommands(program, run)
  addList(program, run)
  addRedrive(program, run)
  addRequest(program, run)
  addDefinition(program, run)
  addSchedules(program, run)
  addMessage(program, run)
  addTypes(program, run)
  addWorkers(program, run)
  addLoad(program, run)
  addToken(program, run)
  addAdmin(program, run)
  addCompletion(program, run)
  program
    .command('version')
    .description('show the version')
    .action(run(async ({ out, version }) => (out.json ? out.record({ version }) : out.line(`hasty ${version}`))))
  try {
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    return tell(error, deps, program.opts<GlobalFlags>())
  }
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
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${usageLine(text, json)}\n`) })
    .addHelpText(
      'after',
      '\nExamples:\n  hasty add --i 1,2,3\n  hasty create sleep \'{"ms": 500}\' --wait 10s\n  hasty list --status failed\n' +
        '\nExit codes: 0 success, 1 job failed or cancelled, 2 usage error, 3 not found, 4 conflict, 5 not allowed,\n' +
        '6 too many requests, 7 no answer, 124 wait timed out, 130 interrupted.',
    )
}

/** Commander's message about a command line that it cannot parse. */
function usageLine(text: string, json: boolean): string {
  const sentence = text
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim()
    .replace(/\.? \((Did you mean .+\?)\)$/, '. $1')
    .replace(/([^.?)])$/, '$1.')
  const said = `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)} List all commands with: hasty help`
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
