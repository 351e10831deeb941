import { type Ack, type AckedPublish, NOT_SENT, type OutgoingMessage } from './acked-publish.ts'

/**
 * Sends messages as one atomic batch: the broker stores all of them or none. Not the client's own batch, which drops
 * what each message compares with. No two that compare with the same: a batch does not compare inside itself.
 * @returns the ack of the last message
 */
export async function sendBatch(acked: AckedPublish, messages: OutgoingMessage[]): Promise<Ack> {
  const id = crypto.randomUUID()
  const last = messages.length - 1
  for (const [i, message] of messages.entries()) {
    const headers = { ...message.headers, 'Nats-Batch-Id': id, 'Nats-Batch-Sequence': String(i + 1) }
    if (i < last) acked.sendSilently({ ...message, headers })
    else return acked.send({ ...message, headers: { ...headers, 'Nats-Batch-Commit': '1' } })
  }
  return NOT_SENT
}
