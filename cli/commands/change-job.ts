import type { Command } from 'commander'
import type { JobView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { eachOf } from '../each-of.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId, parseWhole } from '../parse.ts'

export function defineCancel(command: Command, run: Run): void {
  command
    .argument('<id...>', 'job ids')
    .option('--reason <text>', 'reason to record')
    .action(
      run(async (context, ids: string[], { reason }: { reason?: string }) => {
        const { client, signal } = context
        return eachOf(context, ids, async (id) =>
          show(context, await client.cancel(parseJobId(id), { reason, signal })),
        )
      }),
    )
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
