import { z } from 'zod'
import { BODY_MAX_BYTES } from '#shared/contracts/http/jobs.ts'
import { type JobError, jobErrorSchema } from '#shared/contracts/log/job.ts'
import { describeThrown } from '#shared/errors/foreign.ts'
import { jsonOf } from '#shared/errors/foreign-json.ts'
import { type MakeRequest, makeRequestSchema } from '../make/make-request.ts'
import { type ReportedProgress, reportedProgress } from '../run/reported-progress.ts'
import { type HandlerOutcome, returned } from '../run/run-handler.ts'

/** The one job that a child runs. */
export interface ChildJob {
  type: string
  payload: unknown
  jobId: string
  objectId: string
  createdAt: string
  attempt: number
  fencingToken: number
  traceparent: string | null
  /** The parent's, which may have changed since the child was started. */
  logLevel: string
}

/** Parent to child. */
export type ParentMessage =
  | { kind: 'job'; job: ChildJob }
  /** The answers to `make`, by its number. */
  | { kind: 'made'; call: number; jobId: string }
  | { kind: 'not-made'; call: number; error: JobError; isPermanent: boolean }

const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('returned'), json: z.string() }),
  z.strictObject({
    kind: z.literal('threw'),
    error: jobErrorSchema,
    permanent: z.boolean(),
    reason: z.string(),
    delayMs: z.number().min(0).nullable(),
  }),
])

const childMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('outcome'), outcome: outcomeSchema }),
  /** An error that nobody caught: the process ends. */
  z.strictObject({ kind: z.literal('crashed'), how: z.string() }),
  z.strictObject({
    kind: z.literal('progress'),
    percent: z.number(),
    message: z.string().nullable(),
    data: z.unknown(),
  }),
  /** The handler makes a job. */
  z.strictObject({ kind: z.literal('make'), call: z.number().int(), request: makeRequestSchema }),
])

/** Child to parent. */
export type ChildMessage = z.infer<typeof childMessageSchema>

export type HeardMessage =
  | { kind: 'ready' }
  | { kind: 'outcome'; outcome: HandlerOutcome }
  | { kind: 'crashed'; how: string }
  | { kind: 'progress'; progress: ReportedProgress }
  | { kind: 'make'; call: number; request: MakeRequest }

/**
 * Reads a child's message. The handler in the child, and its libraries, can send anything too, so a message is trusted
 * no more than a handler in this process. Never throws.
 * @returns null for a message that is not Hasty's
 */
export function readChildMessage(message: unknown): HeardMessage | null {
  const parsed = childMessageSchema.safeParse(message)
  if (!parsed.success) return null
  const heard = parsed.data
  switch (heard.kind) {
    case 'ready':
    case 'crashed':
      return heard
    case 'make':
      // What cannot be a payload was not sent by `create`.
      return jsonOf(heard.request.body.payload, BODY_MAX_BYTES).kind === 'json' ? heard : null
    case 'progress': {
      const progress = reportedProgress(heard.percent, heard.message, heard.data)
      return progress === null ? null : { kind: 'progress', progress }
    }
    case 'outcome': {
      const outcome = checkedOutcome(heard.outcome)
      return outcome === null ? null : { kind: 'outcome', outcome }
    }
  }
}

function checkedOutcome(outcome: z.infer<typeof outcomeSchema>): HandlerOutcome | null {
  // Described once more, with its causes as possible parts.
  if (outcome.kind === 'threw') {
    return { ...outcome, error: describeThrown({ ...outcome.error, errors: outcome.error.causes }) }
  }
  try {
    return returned(JSON.parse(outcome.json))
  } catch {
    return null
  }
}
