import { type Command, InvalidArgumentError } from 'commander'
import type { NewType, TypeView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { eachOf } from '../each-of.ts'
import { listAll } from '../list-all.ts'
import { parseJson, parseWhole } from '../parse.ts'

const CONCURRENCY_MAX = 100_000

interface NewTypeFlags {
  policy?: NewType['policy']
  payloadSchema?: NewType['payload_schema']
}

/** Commands about job types. */
export function defineTypes(types: Command, run: Run): void {
  types
    .command('list')
    .description('list job types with their waiting and running jobs')
    .action(
      run(async ({ client, out, signal }) => {
        listAll(out, await client.types.list({ signal }), {
          heading: ['TYPE', 'WAITING', 'RUNNING', 'CONCURRENCY', 'NOTE'],
          row: (each) => [
            each.type,
            String(each.waiting),
            String(each.running),
            limitOf(each),
            [each.policy.runner === 'http' ? 'HTTP workers' : '', each.paused ? 'paused' : '']
              .filter(Boolean)
              .join(', '),
          ],
          none: 'There are no job types.',
        })
      }),
    )

  for (const verb of ['pause', 'resume'] as const)
    types
      .command(verb)
      .description(`${verb} job types (admin)`)
      .argument('<type...>', 'type names')
      .action(
        run(async (context, names: string[]) => {
          const { client, signal } = context
          return eachOf(context, names, async (name) => tell(context, await client.types[verb](name, { signal })))
        }),
      )

  defineRegistration(types, run)
  types
    .command('concurrency')
    .description('set how many jobs of a type may run at once over all workers (admin)')
    .argument('<type>', 'type name')
    .argument('<count>', 'the limit, or none', parseConcurrency)
    .action(
      run(async (context, name: string, concurrency: number | 'none') => {
        const { client, signal } = context
        const limit = concurrency === 'none' ? null : concurrency
        tell(context, await client.types.setConcurrency(name, limit, { signal }))
      }),
    )
}

/** Commands about types that workers claim over HTTP. */
function defineRegistration(types: Command, run: Run): void {
  types
    .command('register')
    .description('register a type whose jobs workers claim over HTTP, or change it (admin)')
    .argument('<type>', 'type name')
    .option('--policy <json>', 'defaults and limits, such as {"timeout_ms": 60000}', parseJson)
    .option('--payload-schema <json>', 'JSON Schema of the payload', parseJson)
    .action(
      run(async (context, name: string, { policy = {}, payloadSchema = null }: NewTypeFlags) => {
        const { client, signal } = context
        tell(context, await client.types.put(name, { policy, payload_schema: payloadSchema }, { signal }))
      }),
    )

  types
    .command('remove')
    .description('remove types of HTTP workers, of which no unfinished job may be left (admin)')
    .argument('<type...>', 'type names')
    .action(
      run(async (context, names: string[]) => {
        const { client, out, signal } = context
        return eachOf(context, names, async (name) => {
          await client.types.delete(name, { signal })
          if (out.json) out.record({ type: name, removed: true })
          else out.line(`removed ${name}`)
        })
      }),
    )
}

function tell({ out }: CommandContext, type: TypeView): void {
  if (out.json) out.record(type)
  else out.line(`${type.type} is ${type.paused ? 'paused' : 'active'}, concurrency ${limitOf(type)}`)
}

const limitOf = ({ concurrency }: TypeView): string => (concurrency === null ? 'none' : String(concurrency))

function parseConcurrency(text: string): number | 'none' {
  if (text === 'none') return text
  try {
    return parseWhole(1, CONCURRENCY_MAX)(text)
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message.replace(/\.$/, '')}, or none.`)
  }
}
