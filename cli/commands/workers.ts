import type { Command } from 'commander'
import type { WorkerView } from '#shared/client/index.ts'
import type { Run } from '../command-context.ts'
import { formatTable } from '../table.ts'

export function addWorkers(program: Command, run: Run): void {
  program
    .command('workers')
    .description('list the workers that run jobs, or show what one runs now (admin)')
    .argument('[id]', 'of this one')
    .option('--all', 'also those that run no more')
    .action(
      run(async ({ client, out, signal }, id: string | undefined, { all }: { all?: true }) => {
        if (id !== undefined) {
          const worker = await client.workers.get(id, { signal })
          if (out.json) {
            out.record(worker)
            return
          }
          for (const line of describe([worker], out.columns)) out.line(line)
          for (const { job_id: jobId, type, attempt, started_at: at } of worker.running_jobs)
            out.line(`  ${jobId} ${type}, attempt ${attempt}, since ${at}`)
          return
        }
        const workers = await client.workers.list({ live: all ? undefined : true, signal })
        if (out.json) for (const worker of workers) out.record(worker)
        else if (workers.length === 0) out.note('There are no such workers.')
        else for (const line of describe(workers, out.columns)) out.line(line)
      }),
    )
}

function describe(workers: WorkerView[], columns: number): string[] {
  const rows = workers.map((worker) => [
    worker.worker_id,
    worker.live ? 'yes' : 'no',
    `${worker.running} of ${worker.slots}`,
    String(worker.processed),
    String(worker.failed),
    worker.since,
    worker.types.join(','),
  ])
  return formatTable(['ID', 'LIVE', 'RUNNING', 'PROCESSED', 'FAILED', 'SINCE', 'TYPES'], rows, columns)
}
