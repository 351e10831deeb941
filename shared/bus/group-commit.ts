import { messageOf } from '#shared/errors/foreign.ts'
import type { Clock } from '#shared/time/clock.ts'
import { type Ack, type AckedPublish, NOT_SENT, type OutgoingMessage } from './acked-publish.ts'
import { sendBatch } from './send-batch.ts'

/** Messages that are stored together or not at all. */
export interface Unit {
  messages: OutgoingMessage[]
  /** Conflict keys of the messages, as in Publication: two units of one batch share none. */
  conflictKeys: readonly string[]
  /** Dedupe ids of the messages. */
  msgIds: readonly string[]
}

interface Entry {
  unit: Unit
  expiresAtMs: number
  resolve: (ack: Ack) => void
}

export interface GroupCommitOptions {
  clock: Clock
  isUp(): boolean
  /** Milliseconds an entry may wait for its batch. */
  waitMs: number
}

/** Largest number of units in a batch: more brought nothing. */
const UNITS_MAX = 200
/**
 * Largest number of messages in a batch that the broker takes without further settings. A unit that is larger goes
 * alone.
 */
const MESSAGES_MAX = 1_000
const BATCH_MAX_BYTES = 512 * 1024
/**
 * Number of messages that go one by one: for each batch the broker creates a store of files and deletes it again, which
 * takes it as long as that many writes with a sync each (measured: 12 to 16).
 */
const ALONE_MAX = 12
const SEEN_MAX = 50_000

/**
 * Gathers everything that is published while the last batch commits and sends it as one atomic batch: one sync for all
 * where the broker syncs every write, and one batch for many where each would be a batch by itself. States of an entry:
 * waiting -> in the one batch under way -> settled; after a refusal its half of the batch is sent again, in the end the
 * entry alone. A few single messages are no batch.
 */
export class GroupCommit {
  readonly #acked: AckedPublish
  readonly #options: GroupCommitOptions
  #waiting: Entry[] = []
  #waitingMessages = 0
  #committing = false
  /** Dedupe ids this replica sent lately: a likely duplicate would fail its whole batch, so it goes alone. */
  readonly #seen = new Set<string>()

  constructor(acked: AckedPublish, options: GroupCommitOptions) {
    this.#acked = acked
    this.#options = options
  }

  /** Number of messages that wait for the next batch. */
  get waiting(): number {
    return this.#waitingMessages
  }

  /** @returns the ack of the unit's last message */
  send(unit: Unit): Promise<Ack> {
    const { msgIds } = unit
    if (msgIds.some((id) => this.#seen.has(id))) return this.#sendAlone(unit)
    if (this.#seen.size + msgIds.length > SEEN_MAX) this.#seen.clear()
    for (const id of msgIds) this.#seen.add(id)
    return new Promise((resolve) => {
      const expiresAtMs = this.#options.clock.monotonic() + this.#options.waitMs
      this.#waiting.push({ unit, expiresAtMs, resolve })
      this.#waitingMessages += unit.messages.length
      if (!this.#committing) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#committing = true
    // One turn of the loop gathers everything that arrived in the same read of the sockets.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#waiting.length > 0) await this.#commit(this.#take())
    } finally {
      this.#committing = false
    }
  }

  /** Takes a batch in which every job appears once: the broker does not compare within a batch. */
  #take(): Entry[] {
    const batch: Entry[] = []
    const left: Entry[] = []
    const jobs = new Set<string>()
    let messages = 0
    let bytes = 0
    const now = this.#options.clock.monotonic()
    const isUp = this.#options.isUp()
    for (const entry of this.#waiting) {
      // An entry that waited too long is decided again by its sender; one sent while the broker is away would be lost
      // silently.
      if (!isUp || entry.expiresAtMs < now) {
        entry.resolve(NOT_SENT)
        continue
      }
      const { unit } = entry
      const count = unit.messages.length
      const size = sizeOf(unit)
      const isRoom = batch.length < UNITS_MAX && messages + count <= MESSAGES_MAX && bytes + size <= BATCH_MAX_BYTES
      const fits = batch.length === 0 || isRoom
      if (!fits || unit.conflictKeys.some((conflictKey) => jobs.has(conflictKey))) {
        left.push(entry)
        continue
      }
      for (const conflictKey of unit.conflictKeys) jobs.add(conflictKey)
      messages += count
      bytes += size
      batch.push(entry)
    }
    this.#waiting = left
    this.#waitingMessages = left.reduce((sum, { unit }) => sum + unit.messages.length, 0)
    return batch
  }

  async #commit(batch: Entry[]): Promise<void> {
    const [first] = batch
    if (first === undefined) return
    if (batch.length === 1 || (batch.length <= ALONE_MAX && batch.every(({ unit }) => unit.messages.length === 1))) {
      await Promise.all(batch.map(async ({ unit, resolve }) => resolve(await this.#sendAlone(unit))))
      return
    }
    const messages = batch.flatMap(({ unit }) => unit.messages)
    const ack = await this.#sendTogether(messages)
    if (ack.kind === 'stored') {
      let seq = ack.seq - messages.length
      for (const { unit, resolve } of batch) {
        seq += unit.messages.length
        resolve({ kind: 'stored', seq })
      }
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

  #sendAlone({ messages }: Unit): Promise<Ack> {
    const [message] = messages
    return message !== undefined && messages.length === 1 ? this.#acked.send(message) : this.#sendTogether(messages)
  }

  #sendTogether(messages: OutgoingMessage[]): Promise<Ack> {
    return sendBatch(this.#acked, messages).catch((error: unknown) => ({
      kind: 'unknown',
      why: messageOf(error),
    }))
  }
}

const sizeOf = ({ messages }: Unit): number => messages.reduce((sum, { body }) => sum + body.length, 0)
