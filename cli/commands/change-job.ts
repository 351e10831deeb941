import type { Command } from 'commander'
import type { CancelJobsOptions, CancelJobsResult, JobView } from '../../client/index.ts'
import { changeMany } from '../change-many.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { eachOf } from '../each-of.ts'
import { UsageError } from '../explain-error.ts'
import { addFilterOptions, type FilterFlags, toFilter } from '../filter-options.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId, parseWhole } from '../parse.ts'

interface CancelFlags extends Omit<FilterFlags, 'endedAfter' | 'endedBefore'> {
  reason?: string
  dryRun?: true
  yes?: true
}

export function defineCancel(command: Command, run: Run): void {
  addFilterOptions(command.argument('[id...]', 'job ids; instead of them, filters'), { withEnd: false })
    .option('--reason <text>', 'reason to record')
    .option('--dry-run', 'with filters: only print how many jobs match')
    .option('--yes', 'with filters: skip the confirmation')
    .action(
      run((context, ids: string[], flags: CancelFlags) => {
        const { client, signal } = context
        const { reason } = flags
        const hasFilter = Object.values(toFilter(flags)).some((value) => value !== undefined)
        if (ids.length > 0 === hasFilter)
          throw new UsageError('Give the ids of the jobs, or a filter such as --type or --tag, but not both.')
        if (hasFilter) return cancelMany(context, flags)
        return eachOf(context, ids, async (id) =>
          show(context, await client.cancel(parseJobId(id), { reason, signal })),
        )
      }),
    )
}

function cancelMany(context: CommandContext, flags: CancelFlags): Promise<void> {
  const { client, signal } = context
  const options: CancelJobsOptions = { ...toFilter(flags), status: undefined, reason: flags.reason, signal }
  return changeMany(context, {
    verb: 'Cancel',
    done: 'cancelled',
    status: '',
    ...flags,
    async run(dryRun, onAnswer) {
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const answer: CancelJobsResult = await client.cancelJobs({ ...options, dryRun, cursor })
        onAnswer({ ...answer, changed: answer.cancelled })
        cursor = answer.next_cursor
      }
    },
  })
}

export function defineRetry(command: Command, run: Run): void {
  command
    .argument('<id...>', 'job ids')
    .option('--attempts <count>', 'number of attempts in the new round', parseWhole(1, 100))
    .addOption(durationOption('--delay <duration>', 'delay before the job may start'))
    .action(
      run(async (context, ids: string[], { attempts, delay }: { attempts?: number; delay?: number }) => {
        const { client, signal } = context
        const options = { attempts, delayMs: delay, signal }
        return eachOf(context, ids, async (id) => show(context, await client.retry(parseJobId(id), options)))
      }),
    )
}

function show({ out }: CommandContext, job: JobView): void {
  if (out.json) out.record(job)
  else out.line(`${job.job_id} is ${paintStatus(out, job.status)}`)
}
