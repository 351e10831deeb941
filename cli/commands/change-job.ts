import type { Command } from 'commander'
import type { JobView } from '#shared/client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { paintStatus } from '../paint-status.ts'
import { parseDuration, parseJobId, parseWhole } from '../parse.ts'

export function addChangeCommands(program: Command, run: Run): void {
  program
    .command('cancel')
    .description('cancel a job, or several')
    .argument('<id...>', 'their ids')
    .option('--reason <text>', 'why')
    .action(
      run(async (context, ids: string[], { reason }: { reason?: string }) => {
        for (const id of ids) {
          show(context, await context.client.cancel(parseJobId(id), { reason, signal: context.signal }))
        }
      }),
    )

  program
    .command('retry')
    .description('start a failed or cancelled job again, or several')
    .argument('<id...>', 'their ids')
    .option('--attempts <count>', 'attempts of the new round', parseWhole(1, 100))
    .option('--delay <duration>', 'start it so much later', parseDuration)
    .action(
      run(async (context, ids: string[], { attempts, delay }: { attempts?: number; delay?: number }) => {
        const options = { attempts, delayMs: delay, signal: context.signal }
        for (const id of ids) show(context, await context.client.retry(parseJobId(id), options))
      }),
    )
}

function show({ out }: CommandContext, job: JobView): void {
  if (out.json) out.record(job)
  else out.line(`${job.job_id} is ${paintStatus(out, job.status)}`)
}
