import { appendFile } from 'node:fs/promises'
import type { BatchContext, BatchMessage } from '../../../services/ingest/handlers/handler.ts'

// Says of each message what its value asks for: `twice` is done at the second attempt, `bad` never.

export async function run(messages: BatchMessage[], { batchId, attempt, idempotencyKey }: BatchContext) {
  const seen = { batchId, attempt, idempotencyKey, values: messages.map(({ value }) => value) }
  await appendFile(process.env['PICKY_LOG'] ?? '', `${JSON.stringify(seen)}\n`)
  if (messages.some(({ value }) => value === 'throw')) throw new Error('thrown')
  return {
    outcomes: messages.map(({ value }) => {
      if (value === 'bad') return { failed: 'no good' }
      return value === 'twice' && attempt < 2 ? { retry: 'not yet' } : ('done' as const)
    }),
  }
}
