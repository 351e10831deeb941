import type { Command } from 'commander'
import type { CommandContext, Run } from '../command-context.ts'
import { noteAge } from '../note-age.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId } from '../parse.ts'
import { formatFields, formatTable } from '../table.ts'

/** Commands that only read. */
export function addShowCommands(program: Command, run: Run): void {
  program.command('get').description('show a job').argument('<id>', 'job id', parseJobId).action(run(showJob))

  program
    .command('why')
    .description('explain why a job is not running')
    .argument('<id>', 'job id', parseJobId)
    .action(run(showWhy))

  program.command('stats').description('count jobs by type and status').action(run(showStats))
}

async function showJob({ client, out, signal }: CommandContext, id: string): Promise<void> {
  const job = await client.get(id, { signal })
  if (out.json) {
    out.record(job)
    return
  }
  const lines = formatFields([
    ['job_id', job.job_id],
    ['type', job.type],
    ['object_id', job.object_id],
    ['status', paintStatus(out, job.status)],
    ['priority', job.priority],
    ['created', job.created_at],
    ['due', job.due_at],
    ['started', job.started_at],
    ['ended', job.finished_at],
    ['attempts', `${job.attempts.at(-1)?.attempt ?? 0} of ${job.max_attempts}, round ${job.round}`],
    ['progress', job.progress === null ? null : `${job.progress.percent} % ${job.progress.message ?? ''}`],
    ['payload', JSON.stringify(job.payload)],
    ['result', job.status === 'finished' ? JSON.stringify(job.result) : null],
    ['error', job.error === null ? null : job.error.message || job.error.name],
    ...(job.error?.causes ?? []).map(({ name, message }): [string, string] => [
      'caused by',
      message === '' ? name : `${name}: ${message}`,
    ]),
    ['reason', job.reason],
  ])
  for (const line of lines) out.line(line)
}

async function showWhy({ client, out, signal }: CommandContext, id: string): Promise<void> {
  const why = await client.why(id, { signal })
  if (out.json) {
    out.record(why)
    return
  }
  out.line(`${why.job_id} is ${paintStatus(out, why.status)}`)
  for (const { code, detail } of why.reasons) out.line(`  ${code}: ${detail}`)
  if (why.position !== null) out.line(`  jobs ahead of it: ${why.position}`)
  if (why.estimated_start_at !== null) out.line(`  estimated start: ${why.estimated_start_at}`)
}

async function showStats({ client, out, signal }: CommandContext): Promise<void> {
  const stats = await client.stats({ signal })
  noteAge(out, stats)
  if (out.json) {
    out.record(stats)
    return
  }
  const statuses = Object.keys(stats.by_status) as (keyof typeof stats.by_status)[]
  const rows = Object.entries(stats.by_type)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, counts]) => [type, ...statuses.map((status) => String(counts[status] ?? 0))])
  const total = ['all', ...statuses.map((status) => String(stats.by_status[status]))]
  for (const line of formatTable(
    ['TYPE', ...statuses.map((name) => name.toUpperCase())],
    [...rows, total],
    out.columns,
  )) {
    out.line(line)
  }
}
