import type { CreateJobBody, JobAccepted } from '#shared/contracts/http/jobs.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { ATTRIBUTES } from '#shared/trace/attributes.ts'
import { startSend } from '#shared/trace/send-span.ts'
import type { OpenSpan, Tracing } from '#shared/trace/tracing.ts'

interface Sending {
  body: CreateJobBody
  traceparent: string | null
}

/** Sends a job within a span of its own, which the attempts of the job are under. */
export async function withSendSpan<R extends Sending, T extends { accepted: JobAccepted }>(
  tracing: Tracing,
  request: R,
  send: (request: R) => Promise<T>,
): Promise<T> {
  const span = startSend(tracing, { type: request.body.type, parent: request.traceparent })
  try {
    const sent = await send({ ...request, traceparent: span.traceparent })
    span.set({ [ATTRIBUTES.messageId]: sent.accepted.job_id })
    span.end(null)
    return sent
  } catch (error) {
    span.end(kindOf(error))
    throw error
  }
}

/** The spans of the sending of jobs that are stored together, or not at all. */
export class SendSpans {
  readonly #tracing: Tracing
  readonly #spans: OpenSpan[] = []

  constructor(tracing: Tracing) {
    this.#tracing = tracing
  }

  within<R extends Sending>(request: R): R {
    const span = startSend(this.#tracing, { type: request.body.type, parent: request.traceparent })
    this.#spans.push(span)
    return { ...request, traceparent: span.traceparent }
  }

  /** @param jobIds in the order of the requests */
  stored(jobIds: string[]): void {
    for (const [n, span] of this.#spans.entries()) {
      span.set({ [ATTRIBUTES.messageId]: jobIds[n] })
      span.end(null)
    }
  }

  refused(error: unknown): void {
    for (const span of this.#spans) span.end(kindOf(error))
  }
}

const kindOf = (error: unknown): string => (error instanceof AppError ? error.code : 'error')
