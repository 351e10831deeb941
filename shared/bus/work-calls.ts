import type { Msg } from '@nats-io/transport-node'
import type { ProblemCode } from '#shared/contracts/http/problems.ts'
import type {
  ClaimedWork,
  ClaimWorkBody,
  ExtendedWork,
  ExtendWorkBody,
  SettledWork,
  Settlement,
} from '#shared/contracts/http/work.ts'
import { LENT_ENDED, workSubject } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import type { Broker } from './connection.ts'

// The api asks the process that lends a job, over the broker: so nobody but the api can ask, and every lender is found by
// its name without an address.

/** What the api asks of a lender, each with its answer. */
export interface WorkCalls {
  /** `call_id` names the call for `gone`. */
  claim: { ask: { call_id: string; body: ClaimWorkBody }; answer: ClaimedWork }
  /** The worker that made the call is not there any more. */
  gone: { ask: { call_id: string }; answer: null }
  extend: { ask: ExtendWorkBody; answer: ExtendedWork }
  settle: { ask: { items: Settlement[] }; answer: { settled: SettledWork[] } }
}
export type WorkCallName = keyof WorkCalls

export type WorkAnswers = {
  [Name in WorkCallName]: (ask: WorkCalls[Name]['ask']) => Promise<WorkCalls[Name]['answer']>
}

interface Reply {
  ok?: unknown
  problem?: { code: ProblemCode; status: number; detail: string; members: Record<string, unknown> }
}

/**
 * Answers the calls to this lender.
 * @returns a function that takes no more calls
 */
export function answerWork(broker: Broker, gatewayId: string, answers: WorkAnswers): () => void {
  const answer = async (message: Msg) => {
    const { name, ask } = message.json<{ name: WorkCallName; ask: never }>()
    const reply: Reply = await answers[name](ask).then((ok) => ({ ok }), toReply)
    message.respond(JSON.stringify(reply))
  }
  const subscription = broker.nc.subscribe(workSubject(gatewayId))
  const answerAll = async () => {
    for await (const message of subscription) {
      // Without an answer the caller asks another lender.
      answer(message).catch(() => undefined)
    }
  }
  void answerAll().catch(() => undefined)
  return () => subscription.unsubscribe()
}

function toReply(error: unknown): Reply {
  if (!(error instanceof AppError)) throw error
  return { problem: { code: error.code, status: error.status, detail: error.message, members: error.members } }
}

/** `nobody`: there is no such lender. `silence`: it did not answer in time. */
export type NoAnswer = 'nobody' | 'silence'

/**
 * Asks a lender.
 * @throws AppError as the lender answered
 */
export async function askLender<Name extends WorkCallName>(
  broker: Broker,
  gatewayId: string,
  { name, ask, withinMs }: { name: Name; ask: WorkCalls[Name]['ask']; withinMs: number },
): Promise<WorkCalls[Name]['answer'] | NoAnswer> {
  const reply = await broker.nc
    .request(workSubject(gatewayId), JSON.stringify({ name, ask }), { timeout: withinMs })
    .catch(
      (error: unknown): NoAnswer => (error instanceof Error && error.name === 'TimeoutError' ? 'silence' : 'nobody'),
    )
  if (reply === 'nobody' || reply === 'silence') return reply
  const { ok, problem } = reply.json<Reply>()
  if (problem === undefined) return ok as WorkCalls[Name]['answer']
  const { code, status, detail, members } = problem
  throw code === 'unavailable' ? unavailable(detail) : new AppError(code, detail, { status, members })
}

/** Tells a lender that the worker of a call is gone. */
export function tellGone(broker: Broker, gatewayId: string, callId: string): void {
  broker.outbox.send(workSubject(gatewayId), JSON.stringify({ name: 'gone', ask: { call_id: callId } }))
}

/** The end of an attempt, for the process that has its delivery. */
export interface LentEnd {
  job_id: string
  /** Its fencing token. */
  seq: number
  then: 'ack' | 'nak'
  delay_ms: number
}

/** Tells all lenders. One that does not hear it finds out when the lease runs out. */
export function tellLentEnded(broker: Broker, end: LentEnd): void {
  broker.outbox.send(LENT_ENDED, JSON.stringify(end))
}

/** @returns a function that stops the watch */
export function watchLentEnds(broker: Broker, onEnd: (end: LentEnd) => void): () => void {
  const subscription = broker.nc.subscribe(LENT_ENDED, {
    callback: (error, message) => {
      if (error === null) onEnd(message.json<LentEnd>())
    },
  })
  return () => subscription.unsubscribe()
}
