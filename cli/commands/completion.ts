import { type Command, Option } from 'commander'
import type { Run } from '../command-context.ts'
import { type CommandWords, completionScript, type Shell, shells } from '../completion-script.ts'

export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .description('print what completes hasty in a shell')
    .argument('<shell>', shells.join(', '))
    .addHelpText('after', '\nExample:\n  hasty completion bash >> ~/.bashrc')
    .action(
      run(async ({ out }, shell: string) => {
        if (!shells.includes(shell as Shell)) program.error(`error: ${shell} is none of ${shells.join(', ')}`)
        for (const line of completionScript(shell as Shell, wordsOf(program)).split('\n')) out.line(line)
      }),
    )
}

function wordsOf(program: Command): CommandWords[] {
  const help = program.createHelp()
  return help.visibleCommands(program).map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...help.visibleOptions(command), ...program.options, new Option('--help')]
      .map(({ long }) => long ?? '')
      .filter((long, n, all) => long !== '' && all.indexOf(long) === n),
  }))
}
