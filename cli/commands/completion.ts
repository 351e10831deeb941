import { type Command, Option } from 'commander'
import type { Run } from '../command-context.ts'
import type { Load } from '../command-list.ts'
import { type CommandWords, completionScript, type Shell, shells } from '../completion-script.ts'

export function defineCompletion(command: Command, run: Run, load: Load): void {
  command
    .argument('<shell>', shells.join(', '))
    .addHelpText('after', '\nExample:\n  hasty completion bash >> ~/.bashrc')
    .action(
      run(async ({ out }, shell: string) => {
        if (!shells.includes(shell as Shell)) command.error(`error: ${shell} is none of ${shells.join(', ')}`)
        const program = command.parent ?? command
        for (const each of program.commands) await load(each)
        for (const line of completionScript(shell as Shell, wordsOf(program)).split('\n')) out.line(line)
      }),
    )
}

/** @param shared options of all commands */
function wordsOf(parent: Command, shared = parent.options): CommandWords[] {
  const help = parent.createHelp()
  return help.visibleCommands(parent).map((command) => ({
    name: command.name(),
    aliases: command.aliases(),
    description: command.description(),
    options: [...help.visibleOptions(command), ...shared, new Option('--help')]
      .map(({ long }) => long ?? '')
      .filter((long, n, all) => long !== '' && all.indexOf(long) === n),
    commands: wordsOf(command, shared).filter(({ name }) => name !== 'help'),
  }))
}
