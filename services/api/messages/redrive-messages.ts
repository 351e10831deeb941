import type { Publisher } from '#shared/bus/publisher.ts'
import type { Records } from '#shared/bus/records.ts'
import type { DeadMessageView, MessagesRedriven, RedriveMessagesBody } from '#shared/contracts/http/dead-messages.ts'
import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import { receivedSubject } from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { type DeadMessage, type ReadDeadDeps, readDead } from './read-dead.ts'

export interface RedriveMessagesDeps extends ReadDeadDeps {
  /** Publishes to the stream of messages. */
  publisher: Publisher
  /** The shards' records. */
  records: Pick<Records<ShardRecord, number>, 'read'>
  clock: Clock
  log: Logger
}

const AT_ONCE = 100

/**
 * Puts dead messages back into their shards, each exactly once: the message is stored in one atomic batch with a mark
 * on the dead message's own subject, which must still be the last there. Then both are removed; a crash before that
 * leaves the mark, which the next redrive finds.
 * @throws AppError `unavailable`
 */
export async function redriveMessages(
  deps: RedriveMessagesDeps,
  { shard, limit, until }: RedriveMessagesBody,
): Promise<MessagesRedriven> {
  // A message that is put back may die again in the meantime: it then comes after this sequence.
  const untilSeq = until ?? (await lastSeqOf(deps))
  let redriven = 0
  let nextSeq: number | null = 1
  while (nextSeq !== null && redriven < limit) {
    const page = await readDead(deps, { shard, fromSeq: nextSeq, limit: Math.min(AT_ONCE, limit - redriven) })
    const dead = await settled(
      deps,
      page.dead.filter(({ deadSeq }) => deadSeq <= untilSeq),
    )
    const results = await Promise.allSettled(dead.map((one) => putBack(deps, one)))
    redriven += results.filter((result) => result.status === 'fulfilled' && result.value).length
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    nextSeq = page.nextSeq === null || page.nextSeq > untilSeq ? null : page.nextSeq
  }
  deps.log.info({ shard, redriven }, 'dead messages redriven')
  return { redriven, is_more: nextSeq !== null, until: untilSeq }
}

async function lastSeqOf(deps: RedriveMessagesDeps): Promise<number> {
  const state = await deps.stream.state().catch((error: unknown) => {
    throw unavailable('The broker did not answer about messages. Try again.', error)
  })
  return state.lastSeq
}

/**
 * The dead messages that cannot die once more. While its batch is open a message can, if the service was killed between
 * burying it and committing the batch; put back now, it would be in the shard twice.
 */
async function settled({ records }: RedriveMessagesDeps, dead: DeadMessage[]): Promise<DeadMessage[]> {
  const shards = [...new Set(dead.map(({ view }) => view.shard))]
  const found = await Promise.all(shards.map((shard) => records.read(shard))).catch((error: unknown) => {
    throw unavailable('The broker did not answer about shards. Try again.', error)
  })
  const isOpen = ({ shard, seq }: DeadMessageView) =>
    found.some(
      (stored) =>
        stored?.record.shard === shard &&
        stored.record.open.some(({ from_seq, to_seq }) => from_seq <= seq && seq <= to_seq),
    )
  return dead.filter(({ view }) => !isOpen(view))
}

/** @returns false when another redrive did it */
async function putBack(deps: RedriveMessagesDeps, dead: DeadMessage): Promise<boolean> {
  const { subject, deadSeq, view } = dead
  const { shard, seq: _, error: __, attempts: ___, died_at: ____, ...message } = view
  const about = { nonce: newNonce(), conflictKey: subject }
  const mark = {
    ...about,
    subject,
    body: JSON.stringify({ redriven_at: isoTime(deps.clock.now()) }),
    expect: { seq: deadSeq, filter: subject },
  }
  const again = { ...about, subject: receivedSubject(shard), body: JSON.stringify(message) }
  const result = await deps.publisher.publishBatch([mark, again])
  if (result.kind === 'refused' && result.why !== 'conflict') {
    throw unavailable(`A dead message could not be redriven (${result.why}). Try again.`)
  }
  await deps.stream.purge({ filter: subject }).catch((error: unknown) => {
    throw unavailable(
      'A dead message was redriven but could not be removed. Try again; it is not processed twice.',
      error,
    )
  })
  return result.kind === 'stored'
}
