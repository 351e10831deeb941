import type { z } from 'zod'
import type { Publisher } from '#shared/bus/publisher.ts'
import type { deadMessageSchema } from '#shared/contracts/http/messages.ts'
import { deadMessageSubject } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { type RawMessage, readMessage } from './raw-message.ts'

export interface DeadLetter {
  shard: number
  message: RawMessage
  error: string
  attempts: number
}

/** Keeps messages that could not be processed in the stream, until an operator redrives them. */
export class DeadLetters {
  readonly #publisher: Pick<Publisher, 'publish'>
  readonly #clock: Clock

  constructor(publisher: Pick<Publisher, 'publish'>, clock: Clock) {
    this.#publisher = publisher
    this.#clock = clock
  }

  /**
   * Stores a letter; an existing one for this message stays.
   * @returns false when the broker gave no answer within this many milliseconds
   */
  async put({ shard, message, error, attempts }: DeadLetter, withinMs: number, signal: AbortSignal): Promise<boolean> {
    const { seq: _seq, ...told } = readMessage(message) ?? { seq: 0, timestamp: '', value: message.body }
    const letter: z.infer<typeof deadMessageSchema> = {
      ...told,
      error,
      attempts,
      died_at: isoTime(this.#clock.now()),
    }
    const subject = deadMessageSubject(shard, message.seq)
    const publishing = this.#publisher.publish(
      {
        subject,
        body: JSON.stringify(letter),
        nonce: newNonce(),
        conflictKey: subject,
        expect: { seq: 0, filter: subject },
      },
      { deadlineMs: withinMs, signal },
    )
    return publishing.then(
      () => true,
      () => false,
    )
  }
}
