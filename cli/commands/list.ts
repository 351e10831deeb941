import type { Command } from 'commander'
import type { JobFilter, JobSummaryView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { addFilterOptions, type FilterFlags, toFilter } from '../filter-options.ts'
import { firstOf } from '../first-of.ts'
import { formatPercent } from '../format-number.ts'
import { noteAge, type StoreAge } from '../note-age.ts'
import { paintStatus } from '../paint-status.ts'
import { parseList, parseWhole } from '../parse.ts'
import { formatTable } from '../table.ts'
import { typeHint } from '../type-hint.ts'

interface Flags extends FilterFlags {
  status?: JobFilter['status']
  limit: number
}

const PAGE_MAX = 200

export function defineList(command: Command, run: Run): void {
  addFilterOptions(command)
    .option(
      '--status <status>',
      'scheduled, processing, finished, cancelled, failed, or timeout (failed or cancelled by it); separate several with commas',
      parseList,
    )
    .option('--limit <count>', 'maximum number to list', parseWhole(1, 1_000_000), 50)
    .action(run(listJobs))
}

async function listJobs(context: CommandContext, flags: Flags): Promise<void> {
  const { client, out, signal } = context
  const { status, limit } = flags
  const options = { ...toFilter(flags), status, limit: Math.min(limit, PAGE_MAX), signal }
  const jobs: JobSummaryView[] = []
  let age: StoreAge | undefined
  const onPage = (page: StoreAge) => (age ??= page)
  for await (const job of firstOf(client.list({ ...options, onPage }), limit)) {
    if (out.json) out.record(job)
    else jobs.push(job)
  }
  noteAge(out, age)
  if (out.json) return
  if (jobs.length === 0) {
    out.note(`No jobs match. ${await typeHint(context, flags.type)}`.trimEnd())
    return
  }
  const rows = jobs.map((job) => [job.job_id, job.status, job.type, job.created_at, job.object_id, textOf(job)])
  const [heading = '', ...lines] = formatTable(['ID', 'STATUS', 'TYPE', 'CREATED', 'OBJECT', 'NOTE'], rows, out.columns)
  out.line(out.paint('bold', heading))
  for (const [n, line] of lines.entries()) {
    const shown = jobs[n]?.status ?? 'processing'
    out.line(line.replace(shown, paintStatus(out, shown)))
  }
}

function textOf({ error, progress, due_at: dueAt, status }: JobSummaryView): string {
  if (error !== null) return error.message.replaceAll(/\s+/g, ' ')
  if (dueAt !== null && status === 'scheduled') return `starts ${dueAt}`
  return progress === null ? '' : formatPercent(progress.percent)
}
