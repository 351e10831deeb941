import { type Command, Option } from 'commander'
import type { RedriveOptions, RedriveResult } from '../../client/index.ts'
import { changeMany } from '../change-many.ts'
import type { Run } from '../command-context.ts'
import { addFilterOptions, type FilterFlags, toFilter } from '../filter-options.ts'
import { parseRate } from '../parse.ts'

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
      run((context, flags: Flags) => {
        const { client, signal } = context
        const { status, rate: ratePerS } = flags
        const { status: _, ...filter } = toFilter(flags)
        const options = { ...filter, status: [status], limit: LIMIT, signal }
        return changeMany(context, {
          verb: 'Retry',
          done: 'retried',
          ...flags,
          async run(isDry, onAnswer) {
            const how = isDry ? { dryRun: true } : { ratePerS }
            for (let next: RedriveOptions | null = { ...options, ...how }; next !== null; ) {
              const answer: RedriveResult = await client.redrive(next)
              onAnswer({ ...answer, changed: answer.retried })
              const { next_cursor: cursor, next_run_at: runAt } = answer
              next = cursor === null ? null : { ...options, ...how, cursor, runAt }
            }
          },
        })
      }),
    )
}
