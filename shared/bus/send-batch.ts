import { type Ack, type AckedPublish, NOT_SENT, type OutgoingMessage } from './acked-publish.ts'

/**
 * Sends messages as one atomic batch: the broker stores all of them or none. The client's own batch is not used because
 * it drops the expectations of the messages. No two messages may have the same conflict key: the broker does not
 * compare within a batch.
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
