import { brokerTime } from '#shared/bus/broker-time.ts'
import type { LogReader } from '#shared/bus/log-reader.ts'
import { receivedSubject } from '#shared/contracts/log/subjects.ts'

/**
 * Whether the stream lost its end and has grown again since a shard's message was stored: new messages have the sequences
 * of lost ones then.
 * @param seq of the message
 * @param storedNs when it was stored, nanoseconds since 1970; undefined: not known, and nothing is found
 * @returns the first of the new messages of the shard where it is not behind that sequence
 * @throws when the broker does not answer
 */
export async function findRegrown(
  reader: Pick<LogReader, 'atSequence' | 'nextStoredAfter'>,
  shard: number,
  seq: number,
  storedNs: string | undefined,
): Promise<number | null> {
  if (storedNs === undefined) return null
  // First, because it is right whatever the broker's clock did. What is done may have been removed.
  const there = await reader.atSequence(seq)
  if (there?.time === brokerTime(BigInt(storedNs))) return null
  const next = await reader.nextStoredAfter(receivedSubject(shard), storedNs)
  return next !== null && next.seq <= seq ? next.seq : null
}

/** As `findRegrown`, of the stream of messages. */
export type FindRegrown = (shard: number, seq: number, storedNs: string | undefined) => Promise<number | null>
