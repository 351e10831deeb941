import { type Command, Option } from 'commander'
import type { RedriveOptions, RedriveResult } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { UsageError } from '../explain-error.ts'
import { addFilterOptions, type FilterFlags, toFilter } from '../filter-options.ts'
import { parseRate } from '../parse.ts'
import { typeHint } from '../type-hint.ts'

interface Flags extends FilterFlags {
  status: 'failed' | 'cancelled' | 'timeout'
  rate?: number
  dryRun?: true
  yes?: true
}

/** Jobs per request. */
const LIMIT = 1_000

export function defineRedrive(command: Command, run: Run): void {
  addFilterOptions(command)
    .addOption(
      new Option('--status <status>', 'status of the jobs to redrive')
        .choices(['failed', 'cancelled', 'timeout'])
        .default('failed'),
    )
    .option('--rate <number>', 'jobs per second', parseRate)
    .option('--dry-run', 'only print how many jobs match')
    .option('--yes', 'skip the confirmation')
    .action(
      run(async (context, flags: Flags) => {
        const { status, rate: ratePerS } = flags
        const { status: _, ...filter } = toFilter(flags)
        const options = { ...filter, status: [status], limit: LIMIT, signal: context.signal }
        if (!flags.dryRun && !flags.yes) await askFirst(context, options, status)
        const how = flags.dryRun ? { dryRun: true } : { ratePerS }
        const sum = await redriveAll(context, { ...options, ...how })
        say(context, sum)
        const hint = sum.matched === 0 && !context.out.json ? await typeHint(context, flags.type) : ''
        if (hint !== '') context.out.note(hint)
      }),
    )
}

type Sum = Pick<RedriveResult, 'dry_run' | 'matched' | 'retried' | 'skipped'>

async function redriveAll({ client, out }: CommandContext, options: RedriveOptions): Promise<Sum> {
  const sum: Sum = { dry_run: options.dryRun ?? false, matched: 0, retried: 0, skipped: 0 }
  let next: RedriveOptions | null = options
  while (next !== null) {
    const answer: RedriveResult = await client.redrive(next)
    sum.matched += answer.matched
    sum.retried += answer.retried
    sum.skipped += answer.skipped
    out.status(`${sum.matched} jobs ...`)
    next = answer.next_cursor === null ? null : { ...options, cursor: answer.next_cursor, runAt: answer.next_run_at }
  }
  return sum
}

/** @throws UsageError when nobody can be asked, or the answer is no */
async function askFirst(context: CommandContext, options: RedriveOptions, status: string): Promise<void> {
  if (context.ask === null)
    throw new UsageError('There is no terminal to confirm at; pass --yes, or --dry-run to see how many jobs match.')
  const { matched } = await redriveAll(context, { ...options, dryRun: true })
  context.out.status('')
  const answer = await context.ask(`Retry ${matched} ${status} ${matched === 1 ? 'job' : 'jobs'}? [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('No job was retried.')
}

function say({ out }: CommandContext, sum: Sum): void {
  if (out.json) out.record(sum)
  else if (sum.dry_run) out.line(`${jobs(sum.matched)} would be retried`)
  else
    out.line(
      `${jobs(sum.retried)} retried${sum.skipped > 0 ? `, ${sum.skipped} skipped because they had changed` : ''}`,
    )
}

const jobs = (count: number): string => `${count} ${count === 1 ? 'job' : 'jobs'}`
