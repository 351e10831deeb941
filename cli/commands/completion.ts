import { type Command, Option } from 'commander'
import type { Run } from '../command-context.ts'
import { type CommandWords, completionScript, type Shell, shells } from '../completion-script.ts'

export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .argument('<shell>', shells.join(', '))
    .addHelpText('after', '\nExample:\n  hasty completion bash >> ~/.bashrc')
    .action(
      run(async ({ out }, shell: string) => {
        if (!shells.includes(shell as Shell)) program.error(`error: ${shell} is none of ${shells.join(', ')}`)
        for (const line of completionScript(shell as Shell, wordsOf(program)).split('\n')) out.line(line)
      }),
    )
}

/** @param shared options of all commands */
function wordsOf(parent: Command, shared = parent.options): CommandWords[] {
  const help = parent.createHelp()
  return help.visibleCommands(parent).map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...help.visibleOptions(command), ...shared, new Option('--help')]
      .map(({ long }) => long ?? '')
      .filter((long, n, all) => long !== '' && all.indexOf(long) === n),
    commands: wordsOf(command, shared).filter(({ name }) => name !== 'help'),
  }))
}
