import type { Command } from 'commander'
import { WaitTimeout } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { endedBadly } from '../ended-badly.ts'
import { parseNumbers } from '../parse.ts'

interface Flags {
  i: number[]
  wait: number
}

/** Under 5 s with everything before and after. */
const WAIT = '3s'

export const defineAdd = (command: Command, run: Run): void => define(command, run, 'add')
export const defineMultiply = (command: Command, run: Run): void => define(command, run, 'multiply')

function define(command: Command, run: Run, type: string): void {
  command
    .requiredOption('--i <numbers>', 'the numbers, such as 1,2,3', parseNumbers)
    .addOption(durationOption('--wait <duration>', 'how long to wait for the result', WAIT))
    .addHelpText('after', `\nExample:\n  hasty ${type} --i 1,2,3,4,5,6\nA deferred result: hasty lookup --uuid task_ID`)
    .action(run((context, flags: Flags) => calculate(context, type, flags)))
}

async function calculate(context: CommandContext, type: string, { i, wait }: Flags): Promise<void> {
  const { client, out, signal } = context
  const startedMs = performance.now()
  const { job_id: jobId } = await client.create(type, { numbers: i }, { signal })
  try {
    const job = await client.wait(jobId, { waitMs: Math.max(0, wait - (performance.now() - startedMs)), signal })
    if (job.status !== 'finished') throw await endedBadly(context, job)
    if (out.json) out.record({ job_id: jobId, deferred: false, status: job.status, result: job.result })
    else out.line(`Result: ${JSON.stringify(job.result)}`)
  } catch (error) {
    if (!(error instanceof WaitTimeout)) throw error
    // The spelling is a contract: scripts parse it.
    if (out.json) out.record({ job_id: jobId, deferred: true, status: error.job.status, task: `task_${jobId}` })
    else out.line(`Defered! task_${jobId}`)
  }
}
