import { z } from 'zod'
import { DEFAULT_POLICY, type JobPolicy } from './job-type.ts'

/** The type of the jobs that deliver webhooks: one for each end of a round of a job that has a `callback_url`. */
export const CALLBACK_TYPE = 'callback'

/** Limit of one call: shorter than the job's timeout, so that the attempt ends by itself and is retried. */
export const CALLBACK_CALL_TIMEOUT_MS = 12_000

export const CALLBACK_POLICY: JobPolicy = {
  ...DEFAULT_POLICY,
  timeout_ms: 15_000,
  max_attempts: 8,
  backoff: { kind: 'exponential', base_ms: 5_000, max_ms: 10 * 60_000, jitter: 0.5 },
  cooldown: false,
  internal: true,
}

/** Limit of a body; Standard Webhooks recommends it. */
export const WEBHOOK_BODY_MAX_BYTES = 20_000

/** The body that a receiver gets: the job as GET shows it, without its payload and without members that do not fit. */
export const webhookBodySchema = z
  .object({
    type: z.enum(['job.finished', 'job.cancelled', 'job.failed']),
    timestamp: z.string().meta({ description: 'When the job ended' }),
    data: z.looseObject({
      job_id: z.string(),
      result_omitted: z.literal(true).optional(),
      attempts_omitted: z.literal(true).optional(),
    }),
  })
  .meta({ id: 'Webhook' })
export type WebhookBody = z.infer<typeof webhookBodySchema>

export const callbackPayloadSchema = z.strictObject({
  url: z.string(),
  event: z.enum(['job:finished', 'job:cancelled', 'job:failed']),
  /** The same for every attempt: a receiver recognises repeats by it. */
  webhook_id: z.string(),
  body: webhookBodySchema,
})
export type CallbackPayload = z.infer<typeof callbackPayloadSchema>
