import { z } from 'zod'
import { backoffSchema } from './events.ts'

/** How jobs of one type are run. Durations are milliseconds. */
export const jobPolicySchema = z.looseObject({
  timeout_ms: z.number().int().min(1),
  /** Attempts in all, the first one included. */
  max_attempts: z.number().int().min(1).max(100),
  backoff: backoffSchema,
  /** At once over all replicas; null for no limit. A limited type has one lane, so priority does not order its jobs. */
  concurrency: z.number().int().min(1).nullable(),
  /** Whether the same object_id is refused for COOLDOWN_MS. */
  cooldown: z.boolean(),
})
export type JobPolicy = z.infer<typeof jobPolicySchema>

/** What the lanes of a type say about it: the registry that every service reads. */
export interface JobTypeInfo {
  type: string
  policy: JobPolicy
  /** JSON Schema of the payload; null takes any. */
  payload_schema: Record<string, unknown> | null
}

export const DEFAULT_TIMEOUT_MS = 46_000

export const DEFAULT_POLICY: JobPolicy = {
  timeout_ms: DEFAULT_TIMEOUT_MS,
  max_attempts: 3,
  backoff: { kind: 'exponential', base_ms: 1_000, max_ms: 60_000, jitter: 0.5 },
  concurrency: null,
  cooldown: true,
}
