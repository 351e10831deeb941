import { z } from 'zod'
import { DEFAULT_POLICY, type JobPolicy } from './job-type.ts'

/** The type of a request's jobs that call a service of the operator. */
export const SERVICE_TYPE = 'service'

export const SERVICE_POLICY: JobPolicy = { ...DEFAULT_POLICY, cooldown: false, internal: true }

export const servicePayloadSchema = z.strictObject({
  service: z.string(),
  path: z.string(),
  request_id: z.string(),
  job: z.string(),
  params: z.record(z.string(), z.unknown()),
  extras: z.record(z.string(), z.unknown()),
  payload: z.unknown().optional(),
})
export type ServicePayload = z.infer<typeof servicePayloadSchema>

/** The answer of a service; any other JSON value is the result itself. */
export const serviceAnswerSchema = z.looseObject({
  /** By default the HTTP status decides. `retry` is tried again, `failure` never. */
  status: z.enum(['success', 'failure', 'retry']).optional(),
  /** Merged into the request's extras: a JSON merge patch. */
  extras: z.record(z.string(), z.unknown()).optional(),
  result: z.unknown().optional(),
  error: z.string().optional(),
})
