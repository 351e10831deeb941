import { closestWord } from '#shared/formats/closest-word.ts'
import type { CommandContext } from './command-context.ts'

/** What to say where nothing matches a filter because its type does not exist; empty otherwise. */
export async function typeHint(
  { client, signal }: Pick<CommandContext, 'client' | 'signal'>,
  type: string | undefined,
): Promise<string> {
  if (type === undefined) return ''
  // Only a hint: a server that does not answer this had an answer to the command itself.
  const types = await client.types.list({ signal }).catch(() => [])
  const names = types.map((each) => each.type)
  if (names.length === 0 || names.includes(type)) return ''
  const meant = closestWord(type, names)
  return `There is no job type "${type}".${meant === null ? '' : ` Did you mean "${meant}"?`}`
}
