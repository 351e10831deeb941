import { z } from 'zod'
import { TIMER_MAX_MS } from '../../formats/durations.ts'
import { backoffSchema } from './job.ts'
import { ATTEMPTS_MAX, CRASH_LIMIT, DELAY_MAX_MS, TIMEOUT_MAX_MS } from './limits.ts'

/** How jobs of one type share one call of their handler. */
export const batchPolicySchema = z.strictObject({
  /** Largest number of jobs in a call. */
  size: z.number().int().min(1).max(1_000),
  /** How long the first job waits for others, milliseconds. */
  max_wait_ms: z.number().int().min(0).max(60_000),
  /** JSON pointer (RFC 6901) into the payload: only jobs with the same value there run together. */
  key: z
    .string()
    .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer, as in /customer')
    .optional(),
})
export type BatchPolicy = z.infer<typeof batchPolicySchema>

/** How jobs of one type are run. Durations are milliseconds. */
export const jobPolicySchema = z.looseObject({
  timeout_ms: z.number().int().min(1),
  /** The longest timeout a job may ask for. */
  timeout_max_ms: z.number().int().min(1).max(TIMEOUT_MAX_MS).default(TIMEOUT_MAX_MS),
  /** Attempts in all, the first one included. */
  max_attempts: z.number().int().min(1).max(ATTEMPTS_MAX),
  /** The most attempts a job may ask for. */
  max_attempts_limit: z.number().int().min(1).max(ATTEMPTS_MAX).default(ATTEMPTS_MAX),
  backoff: backoffSchema,
  /**
   * Number of jobs that run at once over all replicas; null for no limit. A limited type has one lane, so priority does
   * not order its jobs.
   */
  concurrency: z.number().int().min(1).nullable(),
  /**
   * What an attempt that takes too long does to its job: `retry` takes it for an error like any other, `fail` ends the
   * job as failed, `cancel` as cancelled. Each has the reason `timeout` at the end.
   */
  on_timeout: z.enum(['retry', 'fail', 'cancel']).default('retry'),
  /** Whether the same object_id is refused for COOLDOWN_MS. */
  cooldown: z.boolean(),
  /** Whether that holds only for jobs that are posted to the root. Older versions take it for every address. */
  cooldown_at_root_only: z.boolean().default(false),
  /** Whether the operator has switched this built-in type off: nobody creates or retries jobs of it. */
  switched_off: z.boolean().default(false),
  /** Whether only Hasty creates jobs of this type: a POST of it is refused. */
  internal: z.boolean().default(false),
  /** null: one call for each job. */
  batch: batchPolicySchema.nullable().default(null),
  /** Number of workers that may die while they run a job before it fails; 0 and 1: the first death fails it. */
  max_crashes: z.number().int().min(0).max(ATTEMPTS_MAX).default(CRASH_LIMIT),
  /** Who runs the jobs: `handler`, a TypeScript handler of the job service; `http`, workers that claim them over HTTP. */
  runner: z.enum(['handler', 'http']).default('handler'),
})
export type JobPolicy = z.infer<typeof jobPolicySchema>

const delay = z.number().int().min(0).max(DELAY_MAX_MS)

/**
 * The policy that a handler may declare. Lanes made by an older version may have more members, and are read all the
 * same.
 */
export const declaredPolicySchema = jobPolicySchema.extend({
  timeout_ms: jobPolicySchema.shape.timeout_ms.max(TIMER_MAX_MS),
  backoff: backoffSchema.extend({ base_ms: delay, max_ms: delay }),
})

/** The policy that people write. Strict, unlike the policies in lanes: a misspelt limit would be no limit. */
export const userPolicySchema = z
  .strictObject(
    declaredPolicySchema.omit({
      batch: true,
      internal: true,
      cooldown_at_root_only: true,
      switched_off: true,
      runner: true,
    }).shape,
  )
  // What is left out of the backoff has its default too.
  .extend({ backoff: declaredPolicySchema.shape.backoff.partial() })
  .partial()
export type UserPolicy = z.output<typeof userPolicySchema>

/** The whole policy. @param timeoutMs where none is declared */
export function policyFrom(declared: UserPolicy, timeoutMs: number): JobPolicy {
  // Left out, the cooldown holds at the root alone.
  const where = declared.cooldown === undefined ? {} : { cooldown_at_root_only: false }
  const backoff = { ...DEFAULT_POLICY.backoff, ...declared.backoff }
  return jobPolicySchema.parse({ ...DEFAULT_POLICY, timeout_ms: timeoutMs, ...declared, backoff, ...where })
}

/** The description of a type in its lanes: the registry that every service reads. */
export interface JobTypeInfo {
  type: string
  policy: JobPolicy
  /** JSON Schema of the payload; null accepts any payload. */
  payload_schema: Record<string, unknown> | null
}

export const DEFAULT_TIMEOUT_MS = 46_000

export const DEFAULT_POLICY: JobPolicy = {
  timeout_ms: DEFAULT_TIMEOUT_MS,
  timeout_max_ms: TIMEOUT_MAX_MS,
  max_attempts: 3,
  max_attempts_limit: ATTEMPTS_MAX,
  backoff: { kind: 'exponential', base_ms: 1_000, max_ms: 60_000, jitter: 0.5 },
  concurrency: null,
  on_timeout: 'retry',
  cooldown: true,
  cooldown_at_root_only: true,
  internal: false,
  switched_off: false,
  batch: null,
  max_crashes: CRASH_LIMIT,
  runner: 'handler',
}
