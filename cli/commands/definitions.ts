import type { Command } from 'commander'
import type { Plan } from '../../client/index.ts'
import type { Run } from '../command-context.ts'
import { UsageError } from '../explain-error.ts'
import { listAll } from '../list-all.ts'
import { parseWhole } from '../parse.ts'
import { readJsonFile } from '../read-text.ts'

/** Commands about stored plans. */
export function defineDefinitions(definitions: Command, run: Run): void {
  definitions
    .command('put')
    .description('store a definition as the next version of its name')
    .argument('<name>', 'definition name')
    .argument('<file>', 'JSON with the steps, or an object with `steps`; - reads stdin')
    .action(
      run(async (context, name: string, file: string) => {
        const { client, out, signal } = context
        const { version, ...rest } = await client.putDefinition(name, stepsOf(await readJsonFile(context, file)), {
          signal,
        })
        if (out.json) out.record({ version, ...rest })
        else out.line(`${name} is at version ${version}`)
      }),
    )

  definitions
    .command('get')
    .description('print a definition')
    .argument('<name>', 'definition name')
    .option('--at <version>', 'version to print (default: the latest)', parseWhole(1, 999_999_999))
    .action(
      run(async ({ client, out, signal }, name: string, { at: version }: { at?: number }) => {
        const found = await client.getDefinition(name, { version, signal })
        if (out.json) out.record(found)
        else for (const line of JSON.stringify({ steps: found.steps }, null, 2).split('\n')) out.line(line)
      }),
    )

  definitions
    .command('list')
    .description('list definitions')
    .action(
      run(async ({ client, out, signal }) => {
        listAll(out, await client.listDefinitions({ signal }), {
          heading: ['NAME', 'VERSION', 'SINCE'],
          row: ({ name, version, created_at: at }) => [name, String(version), at],
          none: 'There are no definitions.',
        })
      }),
    )
}

/** The steps of a file, which the server checks. @throws UsageError */
function stepsOf(value: unknown): Plan {
  const steps: unknown = Array.isArray(value) ? value : (value as { steps?: unknown } | null)?.steps
  if (!Array.isArray(steps)) throw new UsageError('The file has no steps; give a JSON array, or {"steps": [...]}.')
  return steps as Plan
}
