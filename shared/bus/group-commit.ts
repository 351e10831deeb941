import type { Clock } from '#shared/runtime/clock.ts'
import { type Ack, type AckedPublish, NOT_SENT, type OutgoingMessage } from './acked-publish.ts'
import { sendBatch } from './send-batch.ts'

interface Entry {
  message: OutgoingMessage
  jobId: string
  expiresAtMs: number
  resolve: (ack: Ack) => void
}

export interface GroupCommitOptions {
  clock: Clock
  isUp(): boolean
  /** Milliseconds an entry may wait for its batch. */
  waitMs: number
}

/** Below the broker's limit of 1,000 messages a batch; larger ones gained nothing. */
const BATCH_MAX = 200
const BATCH_MAX_BYTES = 512 * 1024
const SEEN_MAX = 50_000

/**
 * Gathers what is published while the last batch commits and sends it as one atomic batch: one sync for all where
 * the broker syncs every write. States of an entry: waiting -> in the one batch under way -> settled; after a
 * refusal its half of the batch goes again, at last alone.
 */
export class GroupCommit {
  readonly #acked: AckedPublish
  readonly #options: GroupCommitOptions
  #waiting: Entry[] = []
  #committing = false
  /** Dedupe ids this replica sent lately: a likely duplicate would fail its whole batch, so it goes alone. */
  readonly #seen = new Set<string>()

  constructor(acked: AckedPublish, options: GroupCommitOptions) {
    this.#acked = acked
    this.#options = options
  }

  /** How many wait for the next batch. */
  get waiting(): number {
    return this.#waiting.length
  }

  send(message: OutgoingMessage, jobId: string, msgId: string | undefined): Promise<Ack> {
    if (msgId !== undefined) {
      if (this.#seen.has(msgId)) return this.#acked.send(message)
      if (this.#seen.size >= SEEN_MAX) this.#seen.clear()
      this.#seen.add(msgId)
    }
    return new Promise((resolve) => {
      const expiresAtMs = this.#options.clock.monotonic() + this.#options.waitMs
      this.#waiting.push({ message, jobId, expiresAtMs, resolve })
      if (!this.#committing) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#committing = true
    // One turn of the loop gathers what arrived in the same read of the sockets.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#waiting.length > 0) await this.#commit(this.#take())
    } finally {
      this.#committing = false
    }
  }

  /** Takes a batch in which every job stands once: a batch does not compare inside itself. */
  #take(): Entry[] {
    const batch: Entry[] = []
    const left: Entry[] = []
    const jobs = new Set<string>()
    let bytes = 0
    const now = this.#options.clock.monotonic()
    const isUp = this.#options.isUp()
    for (const entry of this.#waiting) {
      // Whoever waited too long decides anew; what is sent while the broker is away would be lost in silence.
      if (!isUp || entry.expiresAtMs < now) {
        entry.resolve(NOT_SENT)
        continue
      }
      const size = entry.message.body.length
      const fits = batch.length < BATCH_MAX && (batch.length === 0 || bytes + size <= BATCH_MAX_BYTES)
      if (!fits || jobs.has(entry.jobId)) {
        left.push(entry)
        continue
      }
      jobs.add(entry.jobId)
      bytes += size
      batch.push(entry)
    }
    this.#waiting = left
    return batch
  }

  async #commit(batch: Entry[]): Promise<void> {
    const [first] = batch
    if (first === undefined) return
    if (batch.length === 1) {
      first.resolve(await this.#acked.send(first.message))
      return
    }
    const ack = await sendBatch(
      this.#acked,
      batch.map(({ message }) => message),
    ).catch((error: unknown): Ack => ({ kind: 'unknown', why: error instanceof Error ? error.message : String(error) }))
    if (ack.kind === 'stored') {
      const firstSeq = ack.seq - batch.length + 1
      for (const [i, entry] of batch.entries()) entry.resolve({ kind: 'stored', seq: firstSeq + i })
      return
    }
    if (ack.kind === 'unknown' || ack.kind === 'not-sent') {
      for (const entry of batch) entry.resolve(ack)
      return
    }
    // One refused message fails its whole batch: halves keep the rest of it together.
    const middle = batch.length >> 1
    await this.#commit(batch.slice(0, middle))
    await this.#commit(batch.slice(middle))
  }
}
