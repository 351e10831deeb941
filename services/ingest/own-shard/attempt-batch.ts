import { errorForLog, messageOf } from '#shared/errors/foreign.ts'
import { runFor } from '#shared/errors/foreign-run.ts'
import type { Logger } from '#shared/process/logger.ts'
import { sleep } from '#shared/time/clock.ts'
import type { BatchContext, BatchHandler, BatchMessage } from '../handlers/handler.ts'
import { type MessageOutcome, readAnswer } from '../handlers/read-answer.ts'
import type { AttemptEnd } from '../plan/commit-batches.ts'
import type { DeadLetter, DeadLetters } from './dead-letters.ts'
import { type RawMessage, readMessage } from './raw-message.ts'
import { runUntil } from './run-until.ts'
import type { BatchRun } from './worker-queues.ts'

export interface AttemptDeps {
  shard: number
  handler: BatchHandler
  deadLetters: Pick<DeadLetters, 'put'>
  timeoutMs: number
  attemptsMax: number
  confirmOwned: BatchContext['confirmOwned']
  leaseMs: number
  /** The shard belongs to another replica: the result of the work here no longer matters. */
  lost: AbortSignal
  log: Logger
}

type Told = { message: RawMessage; outcome: MessageOutcome }

/**
 * Gives a batch to the handler once. Messages that can be tried again are left; the others are among the dead letters
 * when this resolves.
 * @throws only when the shard was lost in the meantime
 */
export async function attemptBatch(deps: AttemptDeps, run: BatchRun): Promise<AttemptEnd> {
  // The batch may have waited here while the shard went to another replica. Before the handler's time begins, because a
  // broker that is away is not the handler's fault.
  await deps.confirmOwned()
  const told = await outcomesOf(deps, run)
  const isLast = run.batch.failed + 1 >= deps.attemptsMax && deps.handler.triesForEver !== true
  const end: AttemptEnd = { batch: run.batch.batch, done: 0, dead: 0, left: [] }
  for (const { message, outcome } of told) {
    if (outcome === 'done') end.done++
    else if ('retry' in outcome && !isLast) end.left.push(message.seq)
    else {
      const error = 'retry' in outcome ? outcome.retry : outcome.failed
      await bury(deps, { shard: deps.shard, message, error, attempts: run.batch.failed + 1 })
      end.dead++
    }
  }
  return end
}

/**
 * Stores a dead letter while the shard is this replica's: a replica that was frozen must not bury a message that the
 * next owner has processed.
 */
async function bury({ deadLetters, confirmOwned, leaseMs, lost }: AttemptDeps, letter: DeadLetter): Promise<void> {
  for (;;) {
    await confirmOwned()
    if (await deadLetters.put(letter, leaseMs, lost)) return
    lost.throwIfAborted()
    // A broker that can store nothing says so at once.
    await sleep(BURY_AGAIN_MS)
  }
}

const BURY_AGAIN_MS = 250

async function outcomesOf(deps: AttemptDeps, run: BatchRun): Promise<Told[]> {
  const { attemptsMax, handler } = deps
  const all = (outcome: MessageOutcome): Told[] => run.messages.map((message) => ({ message, outcome }))
  // Dead replicas count as attempts: their batch is not tried beyond the limit.
  if (run.batch.failed >= attemptsMax && handler.triesForEver !== true) {
    return all({ failed: `${run.batch.failed} attempts ended with the death of their replica` })
  }
  const readable = run.messages.map((message) => ({ message, read: readMessage(message) }))
  const messages = readable.flatMap(({ read }) => (read === null ? [] : [read]))
  const outcomes = (await answerOf(deps, run, messages)).values()
  return readable.map(({ message, read }) => ({
    message,
    outcome: read === null ? { failed: 'it cannot be read' } : (outcomes.next().value ?? 'done'),
  }))
}

/** Never rejects: a thrown error is a reason to try all messages again. */
async function answerOf(deps: AttemptDeps, run: BatchRun, messages: BatchMessage[]): Promise<MessageOutcome[]> {
  if (messages.length === 0) return []
  const { handler, timeoutMs, lost, log } = deps
  const { batch } = run
  const about = { shard: deps.shard, batch: batch.batch, worker: batch.worker, attempt: batch.failed + 1 }
  const uncaught = Promise.withResolvers<never>()
  uncaught.promise.catch(() => undefined)
  let hasEnded = false
  const crash = (thrown: unknown) => {
    uncaught.reject(thrown)
    return !hasEnded
  }
  const foreign = { of: [about], fail: uncaught.reject, crash }
  try {
    const answer = await runUntil({ timeoutMs, lost }, (signal) => {
      const handling = runFor(foreign, async () => handler.run(messages, contextOf(deps, run, signal)))
      // An abandoned handler has not ended: its errors still belong to it.
      const ended = handling.finally(() => {
        hasEnded = true
      })
      return Promise.race([ended, uncaught.promise])
    })
    return readAnswer(answer, messages.length)
  } catch (error) {
    if (!lost.aborted) log.warn({ ...about, err: errorForLog(error) }, 'batch failed')
    const retry = messageOf(error)
    return messages.map(() => ({ retry }))
  }
}

function contextOf({ shard, confirmOwned, log }: AttemptDeps, { batch, messages }: BatchRun, signal: AbortSignal) {
  const batchId = `${shard}-${batch.batch}`
  const attempt = batch.failed + 1
  return {
    batchId,
    shard,
    batch: batch.batch,
    worker: batch.worker,
    attempt,
    fromSeq: batch.from_seq,
    toSeq: batch.to_seq,
    // The rest of a batch only shrinks, so its length identifies it.
    idempotencyKey: messages.length === batch.count ? batchId : `${batchId}-${messages.length}`,
    signal,
    log: log.child({ batch: batchId, attempt }),
    confirmOwned,
  } satisfies BatchContext
}
