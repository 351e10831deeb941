import type { NatsConnection, PublishOptions } from '@nats-io/transport-node'

interface Outgoing {
  subject: string
  body: string | Uint8Array
  options: PublishOptions | undefined
}

/**
 * Sends everything of one turn of the event loop in one write. The client alone writes once per microtask, which is
 * once per message: the system calls were a fifth of a service's CPU.
 */
export class Outbox {
  readonly #nc: NatsConnection
  #waiting: Outgoing[] = []

  constructor(nc: NatsConnection) {
    this.#nc = nc
  }

  /** Never throws: the caller notices a message that cannot be sent by the missing answer. */
  send(subject: string, body: string | Uint8Array, options?: PublishOptions): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush())
    this.#waiting.push({ subject, body, options })
  }

  /** Hands everything to the client now: called before the client flushes or closes. */
  flush(): void {
    const batch = this.#waiting
    this.#waiting = []
    for (const { subject, body, options } of batch) {
      try {
        this.#nc.publish(subject, body, options)
      } catch {
        // Closed, or too large for the broker: the caller's timeout reports it.
      }
    }
  }
}
