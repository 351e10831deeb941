export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The words that can be completed for one command. */
export interface CommandWords {
  name: string
  /** Other spellings, which are not offered. */
  aliases: string[]
  description: string
  options: string[]
  /** Subcommands, which have none of their own. */
  commands: CommandWords[]
}

export function completionScript(shell: Shell, commands: readonly CommandWords[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands)
    case 'zsh':
      // zsh can run bash's completion.
      return `autoload -Uz bashcompinit && bashcompinit\n${bashScript(commands)}`
    case 'fish':
      return fishScript(commands)
  }
}

function bashScript(commands: readonly CommandWords[]): string {
  const words = (all: readonly string[]) => `words="${all.join(' ')}" ;;`
  const names = (all: readonly CommandWords[]) => all.map(({ name }) => name)
  const pattern = (command: CommandWords, rest: string) =>
    [command.name, ...command.aliases].map((name) => `'${name} ${rest}`).join('|')
  const cases = commands.flatMap((command) => [
    // The first matching pattern counts: subcommands come before their command.
    ...command.commands.map(({ name, options }) => `    ${pattern(command, `${name}'`)}) ${words(options)}`),
    `    ${pattern(command, "'*")}) ${words([...names(command.commands), ...command.options])}`,
  ])
  return [
    '_hasty() {',
    '  local words current="${COMP_WORDS[COMP_CWORD]}" second=""',
    // The word being typed is no command yet.
    '  if [ "$COMP_CWORD" -gt 2 ]; then second="${COMP_WORDS[2]}"; fi',
    '  case "${COMP_WORDS[1]} $second" in',
    ...cases,
    '  esac',
    `  if [ "$COMP_CWORD" = 1 ]; then words="${names(commands).join(' ')} --help --version"; fi`,
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -F _hasty hasty',
  ].join('\n')
}

function fishScript(commands: readonly CommandWords[]): string {
  const offer = (when: string, { name, description }: CommandWords) =>
    `complete -c hasty -n '${when}' -a ${name} -d '${description.replaceAll("'", "\\'")}'`
  const groups = commands.filter((command) => command.commands.length > 0)
  const lines = commands.flatMap((command) => {
    // `list` is a command, and a subcommand of `request`.
    const others = groups.filter((group) => group.commands.some(({ name }) => name === command.name))
    const isNoOther = others.map(({ name }) => `; and not __fish_seen_subcommand_from ${name}`).join('')
    const isIt = `__fish_seen_subcommand_from ${[command.name, ...command.aliases].join(' ')}${isNoOther}`
    const isNoneOfIts = `${isIt}; and not __fish_seen_subcommand_from ${command.commands.map(({ name }) => name).join(' ')}`
    return [
      offer('__fish_use_subcommand', command),
      ...command.commands.map((each) => offer(isNoneOfIts, each)),
      ...command.options.map((option) => `complete -c hasty -n '${isIt}' -l ${option.slice(2)}`),
      ...command.commands.flatMap(({ name, options }) =>
        options.map(
          (option) => `complete -c hasty -n '${isIt}; and __fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`,
        ),
      ),
    ]
  })
  return ['complete -c hasty -f', ...lines].join('\n')
}
