import type { Batch } from '#shared/bus/direct-get.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { DeadMessageView } from '#shared/contracts/http/dead-messages.ts'
import { deadMessageSchema } from '#shared/contracts/http/messages.ts'
import { ALL_DEAD_MESSAGES, deadMessagesOf } from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { memberOf, textOf } from '#shared/errors/foreign.ts'

export interface ReadDeadDeps {
  /** The stream of messages. */
  stream: Pick<Stream, 'readBatch' | 'state' | 'purge'>
}

export interface DeadMessage {
  subject: string
  /** The dead message's own sequence: `view.seq` is the sequence that the message had before it died. */
  deadSeq: number
  view: DeadMessageView
}

/**
 * Dead messages in the order in which they died.
 * @throws AppError `unavailable`
 */
export async function readDead(
  deps: ReadDeadDeps,
  { shard, fromSeq, limit }: { shard: number | undefined; fromSeq: number; limit: number },
): Promise<{ dead: DeadMessage[]; nextSeq: number | null }> {
  const filter = shard === undefined ? ALL_DEAD_MESSAGES : deadMessagesOf(shard)
  const { messages, isMore } = await deps.stream.readBatch({ filter, fromSeq, limit }).catch((error: unknown) => {
    throw unavailable('The broker did not answer about dead messages. Try again.', error)
  })
  const last = messages.at(-1)
  return { dead: messages.flatMap(toDead), nextSeq: isMore && last !== undefined ? last.seq + 1 : null }
}

/** The dead message in a record. Any other record marks a message that was put back, or follows a later contract. */
function toDead({ subject, seq: deadSeq, body }: Batch['messages'][number]): DeadMessage[] {
  const parsed = deadMessageSchema.safeParse(withErrorAsText(parseJson(body)))
  if (!parsed.success) return []
  const [, shard, seq] = subject.split('.')
  return [{ subject, deadSeq, view: { ...parsed.data, shard: Number(shard), seq: Number(seq) } }]
}

/** Repairs an error that is no text: it must not put its message out of reach. */
function withErrorAsText(letter: unknown): unknown {
  const error = memberOf(letter, 'error')
  return typeof error === 'string' || error === undefined ? letter : { ...(letter as object), error: textOf(error) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
