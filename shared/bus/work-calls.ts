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
import { LEASE_LOST, LENT_ENDED, workAnswerSubject, workSubject } from '#shared/contracts/log/subjects.ts'
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
    try {
      message.respond(JSON.stringify(reply))
    } catch (error) {
      // Too large for the broker.
      message.respond(JSON.stringify(toReply(error)))
    }
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
  const told = error instanceof AppError ? error : unavailable('The job service could not answer. Repeat the call.')
  return { problem: { code: told.code, status: told.status, detail: told.message, members: told.members } }
}

/** `nobody`: there is no such lender. `silence`: it did not answer in time. */
export type NoAnswer = 'nobody' | 'silence'

interface WorkCall<Name extends WorkCallName> {
  name: Name
  ask: WorkCalls[Name]['ask']
  withinMs: number
}

/**
 * Asks lenders. The answers have subjects of their own, not the inbox: a lender may write to these alone, as often and as
 * late as it must.
 */
export class WorkCaller {
  readonly #broker: Broker
  readonly #callerId: string
  readonly #waiting = new Map<string, (answer: Msg | NoAnswer) => void>()
  /** Those of `#waiting` that wait for jobs. */
  readonly #claims = new Set<string>()
  readonly #close: () => void
  #next = 0

  /** @param callerId one token of a subject */
  constructor(broker: Broker, callerId: string) {
    this.#broker = broker
    this.#callerId = callerId
    const subscription = broker.nc.subscribe(workAnswerSubject(callerId, '*'), {
      callback: (error, message) => {
        if (error !== null) return
        const isNobody = message.headers?.code === NO_RESPONDERS
        this.#waiting.get(tokenOf(message))?.(isNobody ? 'nobody' : message)
      },
    })
    // What was answered in between is lost.
    const unlisten = broker.onReconnect(() => {
      for (const end of this.#waiting.values()) end('silence')
    })
    this.#close = () => {
      unlisten()
      subscription.unsubscribe()
    }
  }

  /** @throws AppError as the lender answered */
  async ask<Name extends WorkCallName>(
    lenderId: string,
    { name, ask, withinMs }: WorkCall<Name>,
  ): Promise<WorkCalls[Name]['answer'] | NoAnswer> {
    const token = String(this.#next++)
    const answered = Promise.withResolvers<Msg | NoAnswer>()
    const timer = setTimeout(() => answered.resolve('silence'), withinMs)
    this.#waiting.set(token, answered.resolve)
    if (name === 'claim') this.#claims.add(token)
    this.#broker.outbox.send(workSubject(lenderId), JSON.stringify({ name, ask }), {
      reply: workAnswerSubject(this.#callerId, token),
    })
    const reply = await answered.promise
    clearTimeout(timer)
    this.#waiting.delete(token)
    this.#claims.delete(token)
    // It may hand out jobs to a claim that nobody waits for any more.
    if (reply === 'silence' && name === 'claim') this.tellGone(lenderId, (ask as WorkCalls['claim']['ask']).call_id)
    if (reply === 'nobody' || reply === 'silence') return reply
    const { ok, problem } = reply.json<Reply>()
    if (problem === undefined) return ok as WorkCalls[Name]['answer']
    const { code, status, detail, members } = problem
    throw code === 'unavailable' ? unavailable(detail) : new AppError(code, detail, { status, members })
  }

  /** Tells a lender that the worker of a claim is gone. */
  tellGone(lenderId: string, callId: string): void {
    const gone = { name: 'gone', ask: { call_id: callId } }
    this.#broker.outbox.send(workSubject(lenderId), JSON.stringify(gone))
  }

  /** Ends the calls that wait for jobs: this api stops, and its callers ask another one. */
  endClaims(): void {
    for (const token of this.#claims) this.#waiting.get(token)?.('silence')
  }

  close(): void {
    this.#close()
    for (const end of this.#waiting.values()) end('silence')
  }
}

/** The broker's status where nobody listens. */
const NO_RESPONDERS = 503

const tokenOf = ({ subject }: Msg): string => subject.slice(subject.lastIndexOf('.') + 1)

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

/** Tells all lenders that an HTTP worker let a lease run out. */
export const tellLeaseLost = (broker: Broker, workerId: string): void => broker.outbox.send(LEASE_LOST, workerId)

/** @returns a function that stops the watch */
export function watchLostLeases(broker: Broker, onLost: (workerId: string) => void): () => void {
  const subscription = broker.nc.subscribe(LEASE_LOST, {
    callback: (error, message) => {
      if (error === null) onLost(message.string())
    },
  })
  return () => subscription.unsubscribe()
}
