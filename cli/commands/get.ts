import type { Command } from 'commander'
import type { JobView } from '../../client/index.ts'
import { attemptTable } from '../attempt-table.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { errorFields } from '../error-fields.ts'
import { formatPercent } from '../format-number.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId } from '../parse.ts'
import { formatFields } from '../table.ts'

export function defineGet(command: Command, run: Run): void {
  command.argument('<id>', 'job id', parseJobId).action(run(showJob))
}

async function showJob({ client, out, signal }: CommandContext, id: string): Promise<void> {
  const job = await client.get(id, { signal })
  if (out.json) {
    out.record(job)
    return
  }
  const { progress } = job
  const lines = formatFields([
    ['job_id', job.job_id],
    ['type', job.type],
    ['object_id', job.object_id],
    ['parent', job.parent_job_id ?? null],
    ['children', childrenText(job.children)],
    ['tags', job.tags?.join(', ') ?? null],
    ['status', paintStatus(out, job.status)],
    ['priority', job.priority],
    ['created', job.created_at],
    ['due', job.due_at],
    ['started', job.started_at],
    ['ended', job.finished_at],
    ['attempts', `${job.attempts.at(-1)?.attempt ?? 0} of ${job.max_attempts}, round ${job.round}`],
    ['progress', progress === null ? null : `${formatPercent(progress.percent)} ${progress.message ?? ''}`],
    ['payload', JSON.stringify(job.payload)],
    ['result', job.status === 'finished' ? JSON.stringify(job.result) : null],
    ...errorFields(job.error),
    ['reason', job.reason],
  ])
  for (const line of [...lines, ...attemptTable(job.attempts, out.columns)]) out.line(line)
}

/** A job may have a thousand; `--json` shows all. */
const CHILDREN_SHOWN = 10

function childrenText(children: JobView['children'] = []): string | null {
  if (children.length === 0) return null
  const shown = children.slice(0, CHILDREN_SHOWN).map(({ name, job_id: id }) => `${name} (${id})`)
  const more = children.length - shown.length
  return `${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`
}
