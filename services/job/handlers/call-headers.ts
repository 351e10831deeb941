import { VERSION } from '#shared/process/version.ts'
import type { Context } from './handler-types.ts'

export const USER_AGENT = `Hasty/${VERSION}`

/** Headers that tell the target of a call which attempt of which job it is for. */
export const callHeaders = (context: Context): Record<string, string> => ({
  // An answer is kept as it comes: nothing is unpacked here.
  'accept-encoding': 'identity',
  'user-agent': USER_AGENT,
  'idempotency-key': context.jobId,
  'hasty-job-id': context.jobId,
  'hasty-attempt': String(context.attempt),
  'hasty-fencing-token': String(context.fencingToken),
  ...traceHeader(context),
})

/** The trace that the call belongs to, where there is one. */
export const traceHeader = ({ traceparent }: Pick<Context, 'traceparent'>): Record<string, string> =>
  traceparent === null ? {} : { traceparent }
