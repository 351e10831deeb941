import type { Command } from 'commander'
import type { WorkerView } from '../../client/index.ts'
import type { Run } from '../command-context.ts'
import { type Listing, listAll } from '../list-all.ts'

export function defineWorkers(command: Command, run: Run): void {
  command
    .argument('[id]', 'id of the worker to show')
    .option('--all', 'include workers that have stopped')
    .action(
      run(async ({ client, out, signal }, id: string | undefined, { all }: { all?: true }) => {
        if (id !== undefined) {
          const worker = await client.workers.get(id, { signal })
          if (out.json) {
            out.record(worker)
            return
          }
          listAll(out, [worker], LISTING)
          for (const { job_id: jobId, type, attempt, started_at: at, abandoned } of worker.running_jobs)
            out.line(
              `  ${jobId} ${type}, attempt ${attempt}, since ${at}${abandoned ? ', ignores that it was told to stop' : ''}`,
            )
          return
        }
        listAll(out, await client.workers.list({ live: all ? undefined : true, signal }), LISTING)
      }),
    )
}

const LISTING: Listing<WorkerView> = {
  heading: ['ID', 'LIVE', 'RUNNING', 'PROCESSED', 'FAILED', 'SINCE', 'TYPES'],
  row: (worker) => [
    worker.worker_id,
    worker.live ? 'yes' : 'no',
    `${worker.running} of ${worker.slots}${worker.abandoned > 0 ? ` (${worker.abandoned} abandoned)` : ''}`,
    String(worker.processed),
    String(worker.failed),
    worker.since,
    worker.types.join(','),
  ],
  none: 'No workers match.',
}
