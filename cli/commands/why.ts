import type { Command } from 'commander'
import { adviceOf } from '../advice.ts'
import { attemptTable } from '../attempt-table.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { errorFields } from '../error-fields.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJobId } from '../parse.ts'

export function defineWhy(command: Command, run: Run): void {
  command.argument('<id>', 'job id', parseJobId).action(run(showWhy))
}

async function showWhy({ client, out, signal }: CommandContext, id: string): Promise<void> {
  const why = await client.why(id, { signal })
  if (out.json) {
    out.record(why)
    return
  }
  out.line(`${why.job_id} is ${paintStatus(out, why.status)}${why.round === 1 ? '' : `, round ${why.round}`}`)
  for (const { code, detail } of why.reasons) out.line(`  ${code}: ${detail}`)
  for (const [name, text] of errorFields(why.error)) out.line(`  ${name}: ${text}`)
  if (why.reason !== null) out.line(`  reason: ${why.reason}`)
  if (why.estimated_start_at !== null) out.line(`  estimated start: ${why.estimated_start_at}`)
  out.line(`  next: ${adviceOf(why)}`)
  for (const line of attemptTable(why.attempts, out.columns)) out.line(line)
}
