import { z } from 'zod'
import { DELAY_MAX_MS } from '../log/limits.ts'
import { typeSchema } from '../log/subjects.ts'

// Work over plain HTTP: a worker asks for jobs, says that it still runs them, and says how they ended. A job that was
// lent belongs to its worker until `lease_until`; the log of jobs says who has it, so an answer that comes too late
// changes nothing.

/** The most jobs that one call hands out, settles or extends. */
export const WORK_MAX = 100
export const WORK_WAIT_MAX_S = 60
export const WORK_LEASE_DEFAULT_S = 10
export const WORK_LEASE_MIN_S = 5
export const WORK_LEASE_MAX_S = 3_600
export const WORK_TYPES_MAX = 100
/** How long the answer to a `claim_id` is kept, so that a repeated call gets the same jobs. */
export const CLAIM_KEPT_MS = 60_000

/** Also matches the ids that the job services give themselves. */
export const HTTP_WORKER_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const workerId = z
  .string()
  .regex(HTTP_WORKER_ID_PATTERN, 'must be 1 to 100 letters, digits or ._-, a letter or digit first')
  .meta({ description: 'The name of the worker, new for each start of its process' })

const lease = z
  .string()
  .min(1)
  .max(1_000)
  .meta({ description: 'The lease of the job, as it was handed out or extended last' })

const leaseSeconds = z
  .number()
  .int()
  .min(WORK_LEASE_MIN_S)
  .max(WORK_LEASE_MAX_S)
  .default(WORK_LEASE_DEFAULT_S)
  .meta({ description: 'Seconds for which each job belongs to the worker, unless it extends the lease' })

export const workErrorSchema = z
  .strictObject({
    name: z.string().max(1_000).optional().meta({ description: "`Error` by default; the error's class or kind" }),
    message: z.string().max(100_000).meta({ description: 'The first 2,000 characters are kept; it may be empty' }),
    code: z.string().max(1_000).optional(),
    stack: z.string().max(100_000).optional().meta({ description: 'Logged, not stored' }),
  })
  .meta({ id: 'WorkError' })
export type WorkError = z.input<typeof workErrorSchema>

const completeShape = {
  result: z.unknown().optional().meta({
    description: 'Any JSON value, null by default; with one of more than 512 KiB the job fails and is not tried again',
  }),
}
const failShape = {
  error: workErrorSchema,
  retry: z
    .union([z.literal(false), z.strictObject({ delay_ms: z.number().int().min(0).max(DELAY_MAX_MS) })])
    .optional()
    .meta({
      description: 'false: another attempt cannot help; `delay_ms`: when to try again, in place of the backoff',
    }),
}
const releaseShape = {
  delay_ms: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(0)
    .meta({ description: 'Milliseconds until another worker may have the job' }),
}

export const completeWorkBodySchema = z.strictObject({ lease, ...completeShape }).meta({ id: 'CompleteWork' })
export const failWorkBodySchema = z.strictObject({ lease, ...failShape }).meta({ id: 'FailWork' })
export const releaseWorkBodySchema = z.strictObject({ lease, ...releaseShape }).meta({ id: 'ReleaseWork' })

/** How an attempt ended; exactly one of the three. */
export const settlementSchema = z
  .strictObject({
    lease,
    complete: z.strictObject(completeShape).optional(),
    fail: z.strictObject(failShape).optional(),
    release: z.strictObject(releaseShape).optional(),
  })
  .refine(({ complete, fail, release }) => [complete, fail, release].filter((one) => one !== undefined).length === 1, {
    error: 'must have exactly one of complete, fail and release',
  })
  .meta({ id: 'WorkSettlement' })
export type Settlement = z.output<typeof settlementSchema>
/** As a worker sends it. */
export type WorkSettlement = z.input<typeof settlementSchema>

export const claimWorkBodySchema = z
  .strictObject({
    worker_id: workerId,
    types: z
      .array(typeSchema)
      .min(1)
      .max(WORK_TYPES_MAX)
      .meta({ description: 'Job types that the worker can run; each must have the runner `http`' }),
    max: z.number().int().min(0).max(WORK_MAX).default(1).meta({ description: 'The most jobs to hand out; 0: none' }),
    wait_s: z
      .number()
      .min(0)
      .max(WORK_WAIT_MAX_S)
      .default(0)
      .meta({ description: 'Seconds to wait for the first job while there is none' }),
    lease_s: leaseSeconds,
    claim_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'A call repeated with the same one within a minute gets the same jobs' }),
    settle: z.array(settlementSchema).max(WORK_MAX).default([]).meta({ description: 'Ends of earlier jobs' }),
    about: z
      .strictObject({
        host: z.string().max(200).optional(),
        pid: z.number().int().min(0).optional(),
        version: z.string().max(100).optional(),
        slots: z.number().int().min(1).max(10_000).optional().meta({ description: 'Jobs that it runs at once' }),
      })
      .optional()
      .meta({ description: 'What the list of workers shows' }),
  })
  .meta({ id: 'ClaimWork' })
export type ClaimWorkBody = z.output<typeof claimWorkBodySchema>
/** As a worker sends it. */
export type ClaimWork = z.input<typeof claimWorkBodySchema>

export const lentJobSchema = z
  .object({
    job_id: z.string(),
    type: z.string(),
    object_id: z.string(),
    payload: z.unknown(),
    tags: z.array(z.string()).optional(),
    created_at: z.string(),
    attempt: z.number().int().meta({ description: 'Counts from 1' }),
    max_attempts: z.number().int(),
    timeout_ms: z.number().int(),
    deadline_at: z.string().meta({ description: 'The end of the time limit, however often the lease is extended' }),
    fencing_token: z.number().int().meta({
      description: 'Larger than that of every earlier attempt: a database can refuse writes with a smaller one',
    }),
    lease: z.string().meta({ description: 'Opaque; names this attempt in later calls' }),
    lease_until: z.string(),
    traceparent: z.string().optional(),
  })
  .meta({ id: 'LentJob' })
export type LentJob = z.infer<typeof lentJobSchema>

/** `superseded`: the job goes on without this attempt. `ended`: the job has ended, and not by this call. */
export const SETTLED_STATUSES = [
  'finished',
  'failed',
  'retrying',
  'released',
  'superseded',
  'ended',
  'invalid',
] as const

export const settledSchema = z
  .object({
    lease: z.string(),
    job_id: z.string().nullable(),
    status: z.enum(SETTLED_STATUSES).meta({
      description:
        'What this end made of the job, also where the call is repeated later; `superseded` and `ended`: nothing was changed, because the attempt is over and the job goes on or has ended, do not repeat it; `invalid`: no lease of this server',
    }),
    detail: z.string().optional().meta({ description: 'With the last three: a sentence that says why' }),
  })
  .meta({ id: 'SettledWork' })
export type SettledWork = z.infer<typeof settledSchema>

export const claimedWorkSchema = z
  .object({
    settled: z.array(settledSchema).meta({ description: 'One for each member of `settle`, in the same order' }),
    jobs: z.array(lentJobSchema).max(WORK_MAX),
    draining: z.boolean().meta({ description: 'This replica stops; ask again at once' }),
  })
  .meta({ id: 'ClaimedWork' })
export type ClaimedWork = z.infer<typeof claimedWorkSchema>

export const extendWorkBodySchema = z
  .strictObject({
    worker_id: workerId.meta({
      description: 'Shows that this worker lives. The leases say by themselves whose they are: it is not compared',
    }),
    lease_s: leaseSeconds,
    leases: z
      .array(
        z.strictObject({
          lease,
          progress: z
            .strictObject({
              percent: z.number().min(0).max(100),
              message: z.string().max(1_000).optional(),
              data: z.unknown().optional().meta({ description: 'Any JSON value of at most 16 KiB' }),
            })
            .optional(),
        }),
      )
      .min(1)
      .max(WORK_MAX),
  })
  .meta({ id: 'ExtendWork' })
export type ExtendWorkBody = z.output<typeof extendWorkBodySchema>
/** As a worker sends it. */
export type ExtendWork = z.input<typeof extendWorkBodySchema>

export const extendedSchema = z
  .object({
    lease: z.string().meta({ description: 'As it was sent' }),
    job_id: z.string().nullable(),
    status: z.enum(['ok', 'cancel', 'superseded', 'invalid']).meta({
      description:
        '`ok`: go on; `cancel`: the job was cancelled or its time is up, stop; `superseded`: the attempt is over, stop; `invalid`: no lease of this server',
    }),
    lease_until: z.string().optional(),
    reason: z.string().optional().meta({ description: 'With `cancel`: `requested` or `timeout`' }),
  })
  .meta({ id: 'ExtendedLease' })
export type ExtendedLease = z.infer<typeof extendedSchema>

export const extendedWorkSchema = z
  .object({ leases: z.array(extendedSchema).meta({ description: 'In the order of the request' }) })
  .meta({ id: 'ExtendedWork' })
export type ExtendedWork = z.infer<typeof extendedWorkSchema>
