import type { OpenBatch } from '#shared/contracts/log/ingest.ts'
import type { RawMessage } from './raw-message.ts'
import type { BatchRun } from './worker-queues.ts'

/**
 * The batches that were open when the shard was taken over, while their messages are read again. Messages between them
 * belong to finished batches.
 */
export class AdoptedBatches {
  #waiting: BatchRun[]

  constructor(open: readonly OpenBatch[]) {
    this.#waiting = open.toSorted((a, b) => a.batch - b.batch).map((batch) => ({ batch, messages: [] }))
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(message: RawMessage): void {
    const run = this.#waiting.find(({ batch }) => batch.from_seq <= message.seq && message.seq <= batch.to_seq)
    if (run !== undefined && run.batch.left?.includes(message.seq) !== false) run.messages.push(message)
  }

  /** The complete batches, once everything up to a sequence was read; each is returned once. */
  takeUpTo(seq: number): BatchRun[] {
    const whole = this.#waiting.filter(({ batch }) => batch.to_seq <= seq)
    this.#waiting = this.#waiting.filter(({ batch }) => batch.to_seq > seq)
    return whole
  }
}
