import type { Command } from 'commander'
import { closestWord } from '#shared/formats/closest-word.ts'
import type { Run } from '../command-context.ts'
import type { Load } from '../command-list.ts'

/** Defines `help create` and `help requests list`. Help needs no settings, which may be what somebody needs help with. */
export function defineHelp(command: Command, _run: Run, load: Load): void {
  command.argument('[command...]', 'the command').action(async (names: string[]) => {
    let shown = command.parent ?? command
    for (const name of names) {
      const next = shown.commands.find((each) => each.name() === name || each.aliases().includes(name))
      if (next === undefined) refuse(shown, name)
      await load(next)
      shown = next
    }
    shown.outputHelp()
  })
}

function refuse(parent: Command, name: string): never {
  const meant = closestWord(
    name,
    parent.commands.map((each) => each.name()),
  )
  return parent.error(`error: unknown command '${name}'${meant === null ? '' : ` (Did you mean ${meant}?)`}`)
}
