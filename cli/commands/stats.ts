import type { Command } from 'commander'
import type { CommandContext, Run } from '../command-context.ts'
import { noteAge } from '../note-age.ts'
import { formatTable } from '../table.ts'

export function defineStats(command: Command, run: Run): void {
  command.action(run(showStats))
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
