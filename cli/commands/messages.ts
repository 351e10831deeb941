import type { Command } from 'commander'
import type { DeadMessageView, MessageWorkers } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { firstOf } from '../first-of.ts'
import { parseWhole } from '../parse.ts'
import { chunksOf, readMessages } from '../read-messages.ts'
import { formatTable } from '../table.ts'

const SHARDS_MAX = 64
const REDRIVE_AT_ONCE = 1_000
const PAGE_MAX = 200

/** Commands about messages. */
export function defineMessages(command: Command, run: Run): void {
  command
    .command('send')
    .description('send the messages in a file')
    .argument('<file>', 'JSON array or JSON lines of {"timestamp", "value"}; - reads stdin')
    .option('--idempotency-key <key>', 'repeating a key within an hour stores the file only once')
    .action(run(send))

  command
    .command('workers')
    .description('show message workers and waiting messages (admin)')
    .action(
      run(async ({ client, out, signal }) => {
        const found = await client.messageWorkers({ signal })
        if (out.json) out.record(found)
        else for (const line of describe(found, out.columns)) out.line(line)
      }),
    )

  command
    .command('dead')
    .description('list dead messages (admin)')
    .option('--shard <number>', 'only this shard', parseWhole(0, SHARDS_MAX - 1))
    .option('--limit <count>', 'maximum number to list', parseWhole(1, 1_000_000), 50)
    .action(run(listDead))

  command
    .command('redrive')
    .description('redrive dead messages (admin)')
    .option('--shard <number>', 'only this shard', parseWhole(0, SHARDS_MAX - 1))
    .action(run(redrive))
}

async function send(context: CommandContext, file: string, flags: { idempotencyKey?: string }): Promise<void> {
  const { client, out, signal } = context
  const messages = await readMessages(context, file)
  let accepted = 0
  for (const [n, chunk] of chunksOf(messages).entries()) {
    const { idempotencyKey: key } = flags
    const options = { signal, idempotencyKey: key === undefined ? undefined : `${key}-${n}` }
    const answer = await client.sendMessages(chunk, options).catch((error: unknown) => {
      // Indexes in the server's answer count from the first message of the chunk.
      if (n > 0) out.note(`${accepted} messages were accepted; message ${accepted + 1} and later ones were not.`)
      throw error
    })
    accepted += answer.accepted
    out.status(`${accepted} of ${messages.length} messages ...`)
  }
  if (out.json) out.record({ accepted })
  else out.line(`${accepted} ${accepted === 1 ? 'message' : 'messages'} accepted`)
}

function describe({ workers, shards, messages_total: total }: MessageWorkers, columns: number): string[] {
  const workerRows = workers.map((worker) => [
    worker.worker_id,
    worker.running ? (worker.replica_id ?? '') : '-',
    String(worker.messages_since_start),
    String(worker.messages_total),
    String(worker.batches_total),
    worker.started_at,
  ])
  const shardRows = shards.map(({ shard, replica_id: replica, waiting, open_batches: open, dead_total: dead }) => [
    String(shard),
    replica ?? '-',
    String(waiting),
    String(open),
    String(dead),
  ])
  return [
    ...formatTable(['WORKER', 'REPLICA', 'MESSAGES', 'EVER', 'BATCHES EVER', 'SINCE'], workerRows, columns),
    '',
    ...formatTable(['SHARD', 'REPLICA', 'WAITING', 'OPEN BATCHES', 'DEAD EVER'], shardRows, columns),
    '',
    `${total} messages processed`,
  ]
}

async function listDead(context: CommandContext, flags: { shard?: number; limit: number }): Promise<void> {
  const { client, out, signal } = context
  const found: DeadMessageView[] = []
  const options = { shard: flags.shard, limit: Math.min(flags.limit, PAGE_MAX), signal }
  for await (const dead of firstOf(client.deadMessages(options), flags.limit)) {
    if (out.json) out.record(dead)
    else found.push(dead)
  }
  if (out.json) return
  const rows = found.map(({ shard, seq, timestamp, attempts, died_at: at, error }) => [
    String(shard),
    String(seq),
    timestamp,
    at,
    String(attempts),
    error,
  ])
  if (rows.length === 0) out.note('There are no dead messages.')
  else {
    const heading = ['SHARD', 'SEQ', 'TIMESTAMP', 'DIED', 'ATTEMPTS', 'ERROR']
    for (const line of formatTable(heading, rows, out.columns)) out.line(line)
  }
}

async function redrive({ client, out, signal }: CommandContext, { shard }: { shard?: number }): Promise<void> {
  let redriven = 0
  let until: number | undefined
  for (let isMore = true; isMore; ) {
    const answer = await client.redriveMessages({ shard, limit: REDRIVE_AT_ONCE, until, signal })
    redriven += answer.redriven
    isMore = answer.is_more
    until = answer.until
    out.status(`${redriven} messages ...`)
  }
  if (out.json) out.record({ redriven })
  else out.line(`${redriven} ${redriven === 1 ? 'message' : 'messages'} redriven`)
}
