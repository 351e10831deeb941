import type { Command } from 'commander'
import type { EventView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { EXIT } from '../explain-error.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId } from '../parse.ts'
import { progressBar } from '../progress-bar.ts'

export function addWatch(program: Command, run: Run): void {
  program
    .command('watch')
    .description("show a job's events as they come, until its end")
    .argument('<id>', 'job id', parseJobId)
    .action(run(watchJob))
}

/** @returns the exit code */
async function watchJob({ client, out, signal }: CommandContext, id: string): Promise<number> {
  let last: EventView | null = null
  for await (const event of client.events(id, { signal })) {
    last = event
    if (out.json) out.record(event)
    else if (event.event === 'job:progress' && out.isInteractive) {
      out.status(progressBar(event.percent ?? 0, event.message ?? '', out.columns))
    } else out.line(describe(event))
  }
  out.status('')
  const status = last === null ? 'processing' : statusAfter(last)
  if (!out.json) out.note(`${id} is ${paintStatus(out, status)}`)
  return status === 'finished' ? EXIT.ok : EXIT.failed
}

const statusAfter = ({ event }: EventView) =>
  event === 'job:finished' ? 'finished' : event === 'job:cancelled' ? 'cancelled' : 'failed'

function describe(event: EventView): string {
  const parts = [
    event.attempt === undefined ? '' : `attempt ${event.attempt}`,
    event.worker_id === undefined ? '' : `at ${event.worker_id}`,
    event.percent === undefined ? '' : `${event.percent} %`,
    event.message ?? '',
    event.due_at === undefined ? '' : `due ${event.due_at}`,
    event.error?.message ?? event.reason ?? '',
    event.event === 'job:finished' ? JSON.stringify(event.result ?? null) : '',
  ]
  return `${event.at}  ${event.event.padEnd(13)}  ${parts.filter((part) => part !== '').join(', ')}`.trimEnd()
}
