import type { Command } from 'commander'
import type { EventView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { endedBadly } from '../ended-badly.ts'
import { EXIT } from '../explain-error.ts'
import { formatPercent } from '../format-number.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId } from '../parse.ts'
import { progressBar } from '../progress-bar.ts'

export function defineWatch(command: Command, run: Run): void {
  command.argument('<id>', 'job id', parseJobId).action(run(watchJob))
}

/** @returns the exit code */
async function watchJob(context: CommandContext, id: string): Promise<number> {
  const { client, out, signal } = context
  let last: EventView | null = null
  for await (const event of client.events(id, { signal })) {
    last = event
    if (out.json) out.record(event)
    else if (event.event === 'job:progress' && out.isInteractive) {
      out.status(progressBar(event.percent ?? 0, event.message ?? '', out.columns))
    } else out.line(describe(event))
  }
  out.status('')
  const status = statusAfter(last)
  if (out.json) return status === 'finished' ? EXIT.ok : EXIT.failed
  if (status === 'failed' || status === 'cancelled') {
    throw await endedBadly(context, { job_id: id, status, error: last?.error ?? null, reason: last?.reason ?? null })
  }
  out.note(`${id} is ${paintStatus(out, status)}`)
  return status === 'finished' ? EXIT.ok : EXIT.failed
}

function statusAfter(last: EventView | null): 'processing' | 'finished' | 'cancelled' | 'failed' {
  if (last === null) return 'processing'
  return last.event === 'job:finished' ? 'finished' : last.event === 'job:cancelled' ? 'cancelled' : 'failed'
}

function describe(event: EventView): string {
  const parts = [
    event.round === undefined ? '' : `round ${event.round}`,
    event.attempt === undefined ? '' : `attempt ${event.attempt}`,
    event.worker_id === undefined ? '' : `at ${event.worker_id}`,
    event.percent === undefined ? '' : formatPercent(event.percent),
    event.message ?? '',
    event.due_at === undefined ? '' : `due ${event.due_at}`,
    event.error?.message ?? event.reason ?? '',
    event.event === 'job:finished' ? JSON.stringify(event.result ?? null) : '',
  ]
  return `${event.at}  ${event.event.padEnd(13)}  ${parts.filter((part) => part !== '').join(', ')}`.trimEnd()
}
