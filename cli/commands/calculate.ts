import type { Command } from 'commander'
import { JobCancelled, JobFailed, WaitTimeout } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { parseNumbers } from '../parse.ts'

interface Flags {
  i: number[]
  wait: number
}

/** Under 5 s with everything before and after. */
const WAIT = '3s'

export function addCalculations(program: Command, run: Run): void {
  const add = (name: string, type: string, what: string) =>
    program
      .command(name)
      .description(`${what} numbers; deferred if no worker finishes in time`)
      .requiredOption('--i <numbers>', 'the numbers, such as 1,2,3', parseNumbers)
      .addOption(durationOption('--wait <duration>', 'how long to wait for the result', WAIT))
      .addHelpText(
        'after',
        `\nExample:\n  hasty ${name} --i 1,2,3,4,5,6\nA deferred result: hasty lookup --uuid task_ID`,
      )
      .action(run((context, flags: Flags) => calculate(context, type, flags)))
  add('add', 'add', 'add')
  add('mul', 'multiply', 'multiply')
}

async function calculate({ client, out, signal }: CommandContext, type: string, { i, wait }: Flags): Promise<void> {
  const startedMs = performance.now()
  const { job_id: jobId } = await client.create(type, { numbers: i }, { signal })
  try {
    const job = await client.wait(jobId, { waitMs: Math.max(0, wait - (performance.now() - startedMs)), signal })
    if (job.status === 'failed') throw new JobFailed(job)
    if (job.status === 'cancelled') throw new JobCancelled(job)
    if (out.json) out.record({ job_id: jobId, deferred: false, status: job.status, result: job.result })
    else out.line(`Result: ${JSON.stringify(job.result)}`)
  } catch (error) {
    if (!(error instanceof WaitTimeout)) throw error
    // The spelling is a contract: scripts parse it.
    if (out.json) out.record({ job_id: jobId, deferred: true, status: error.job.status, task: `task_${jobId}` })
    else out.line(`Defered! task_${jobId}`)
  }
}
