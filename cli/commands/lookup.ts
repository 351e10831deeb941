import type { Command } from 'commander'
import type { JobView } from '../../client/index.ts'
import type { Run } from '../command-context.ts'
import { parseJobId } from '../parse.ts'

const words: Record<JobView['status'], string> = {
  scheduled: 'PENDING',
  processing: 'PENDING',
  finished: 'SUCCESS',
  failed: 'FAILURE',
  cancelled: 'CANCELLED',
}

export function defineLookup(command: Command, run: Run): void {
  command.requiredOption('--uuid <task>', 'the deferred task, as task_ID', parseJobId).action(
    run(async ({ client, out, signal }, { uuid }: { uuid: string }) => {
      const job = await client.get(uuid, { signal })
      const { status, result, error, reason } = job
      const word = words[status]
      if (out.json) {
        out.record({ job_id: job.job_id, status: word, result, error })
        return
      }
      out.line(`Status : ${word}`)
      if (status === 'finished') out.line(`Result : ${JSON.stringify(result)}`)
      const why = error?.message ?? reason
      if (why !== null && (status === 'failed' || status === 'cancelled')) out.line(`Reason : ${why}`)
    }),
  )
}
