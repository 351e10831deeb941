import { ATTRIBUTES, SYSTEM } from './attributes.ts'
import { type OpenSpan, SpanKind, type Tracing } from './tracing.ts'

export interface Sending {
  /** The job type. */
  type: string
  /** The trace context of what sends the job; null: a trace of its own. */
  parent: string | null
  jobId?: string
  /** The schedule whose tick it is. */
  schedule?: string
}

/** Begins the span of the sending of a job, which the attempts of the job are under. */
export const startSend = (tracing: Tracing, { type, parent, jobId, schedule }: Sending): OpenSpan =>
  tracing.start(`send ${type}`, {
    kind: SpanKind.PRODUCER,
    parent,
    attributes: {
      [ATTRIBUTES.system]: SYSTEM,
      [ATTRIBUTES.destination]: type,
      [ATTRIBUTES.operation]: 'send',
      [ATTRIBUTES.operationType]: 'send',
      ...(jobId === undefined ? {} : { [ATTRIBUTES.messageId]: jobId }),
      ...(schedule === undefined ? {} : { [ATTRIBUTES.schedule]: schedule }),
    },
  })
