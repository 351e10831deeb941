import type { Command } from 'commander'
import type { ErrorView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { parseTime } from '../filter-options.ts'
import { firstOf } from '../first-of.ts'
import { listAll } from '../list-all.ts'
import { parseWhole } from '../parse.ts'
import { sparkline } from '../top/sparkline.ts'

interface Flags {
  type?: string
  tenant?: string
  since?: string
  limit: number
}

const SPARK_WIDTH = 24

export function defineErrors(command: Command, run: Run): void {
  command
    .option('--type <type>', 'only errors of this job type')
    .option('--tenant <name>', 'only errors of this tenant')
    .option(
      '--since <time>',
      'only errors that came since then: 2026-11-22T08:00:00Z, or 1h for an hour ago',
      parseTime,
    )
    .option('--limit <count>', 'maximum number to list', parseWhole(1, 10_000), 20)
    .action(run(showErrors))
}

async function showErrors(
  { client, out, signal }: CommandContext,
  { type, tenant, since, limit }: Flags,
): Promise<void> {
  const errors: ErrorView[] = []
  for await (const error of firstOf(client.overview.errors({ type, tenant, from: since, signal }), limit))
    errors.push(error)
  listAll(out, errors, {
    heading: ['FINGERPRINT', 'TYPE', 'FAILED NOW', 'COUNT', 'LAST SEEN', 'LAST 24 HOURS', 'ERROR'],
    row: (each) => [
      each.fingerprint,
      each.type,
      each.jobs_failed_now === null ? '–' : each.jobs_failed_now.toLocaleString('en'),
      each.count.toLocaleString('en'),
      each.last_at.slice(0, 19).replace('T', ' '),
      sparkline(each.spark, SPARK_WIDTH),
      textOf(each),
    ],
    none: 'No job or attempt has failed.',
  })
  const [first] = errors
  if (first !== undefined && !out.json && (first.jobs_failed_now ?? 0) > 0)
    out.note(`To retry the jobs of an error: hasty redrive --error ${first.fingerprint}`)
}

const textOf = ({ name, code, message }: ErrorView): string =>
  `${name}${code === null ? '' : ` (${code})`}: ${message.replaceAll(/\s+/g, ' ')}`
