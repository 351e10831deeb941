import { access, appendFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { BatchContext, BatchMessage } from '../../../services/ingest/handlers/handler.ts'

// Says what it begins, and is done once a file of the same name with `.go` is there.

const log = process.env['HELD_LOG'] ?? ''

export async function run(messages: BatchMessage[], { batchId, attempt }: BatchContext): Promise<void> {
  await appendFile(log, `${JSON.stringify({ batchId, attempt, values: messages.map(({ value }) => value) })}\n`)
  while (!(await isReleased())) await pause(20)
}

const isReleased = () =>
  access(`${log}.go`).then(
    () => true,
    () => false,
  )
