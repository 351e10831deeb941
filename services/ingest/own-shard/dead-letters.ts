import type { z } from 'zod'
import type { Publisher } from '#shared/bus/publisher.ts'
import type { deadMessageSchema } from '#shared/contracts/messages-http.ts'
import { deadMessageSubject } from '#shared/contracts/subjects.ts'
import { type Clock, isoTime } from '#shared/runtime/clock.ts'
import { newNonce } from '#shared/runtime/ids.ts'
import { type RawMessage, readMessage } from './raw-message.ts'

export interface DeadLetter {
  shard: number
  message: RawMessage
  error: string
  attempts: number
}

/** Keeps what could not be processed in the stream, until an operator puts it back. */
export class DeadLetters {
  readonly #publisher: Pick<Publisher, 'publish'>
  readonly #clock: Clock

  constructor(publisher: Pick<Publisher, 'publish'>, clock: Clock) {
    this.#publisher = publisher
    this.#clock = clock
  }

  /**
   * Resolves once it is there, however long that takes; a letter of this message that is there already stays.
   * @throws AppError `unavailable` once `signal` is aborted
   */
  async put({ shard, message, error, attempts }: DeadLetter, signal: AbortSignal): Promise<void> {
    const { timestamp, value, tenant } = readMessage(message) ?? { timestamp: '', value: message.body }
    const letter: z.infer<typeof deadMessageSchema> = {
      timestamp,
      value,
      ...(tenant === undefined ? {} : { tenant }),
      error,
      attempts,
      died_at: isoTime(this.#clock.now()),
    }
    const subject = deadMessageSubject(shard, message.seq)
    await this.#publisher.publish(
      {
        subject,
        body: JSON.stringify(letter),
        nonce: newNonce(),
        jobId: subject,
        expect: { seq: 0, filter: subject },
      },
      { deadlineMs: Number.POSITIVE_INFINITY, signal },
    )
  }
}
