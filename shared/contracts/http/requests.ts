import { z } from 'zod'
import { jobErrorSchema } from '../log/job.ts'
import { createJobBodySchema } from './jobs.ts'
import { nameSchema } from './names.ts'

/** Largest number of jobs: the broker keeps a request as one message. */
export const REQUEST_MAX_JOBS = 1_000
export const REQUEST_MAX_STEPS = 100
/** Depth of requests within requests: one that starts itself would never end. */
export const REQUEST_MAX_DEPTH = 3
/** Child requests in one plan: each may start as many again. */
export const REQUEST_MAX_CHILDREN = 20
/** Bytes of JSON: the plan is part of every version of the request. */
export const PLAN_MAX_BYTES = 256 * 1024
/**
 * Members and array items of a body with a plan: more than a job's limit, so that a plan with too many jobs is reported
 * as such.
 */
export const PLAN_BODY_MAX_MEMBERS = 100_000
/** Bytes of JSON; params and extras are sent with every call of a service. */
export const PARAMS_MAX_BYTES = 64 * 1024
export const EXTRAS_MAX_BYTES = 64 * 1024

/** A JSON pointer (RFC 6901) into `{params, extras}`: `/extras/pages`. */
const pointerSchema = z
  .string()
  .max(256)
  .regex(/^\/(params|extras)(\/|$)/, 'must begin with /params or /extras')

export const whenSchema = z
  .strictObject({
    value: pointerSchema,
    equals: z.unknown().optional().meta({
      description: 'The value to compare with; without it the condition is that the value exists and is not false',
    }),
    not: z.boolean().default(false),
  })
  .meta({ id: 'When' })

const { priority, timeout_ms, attempts } = createJobBodySchema.shape

/** The work of a task: a job of a type, a call of a service that the operator has named, or another request. */
const workShape = {
  // Without the default of a single job: a service may take the place of the type.
  type: createJobBodySchema.shape.type.optional(),
  service: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'Instead of a type: the name of the service to call, one of SERVICES' }),
  path: z.string().max(1_024).optional().meta({ description: 'Path below the address of the service' }),
  definition: nameSchema
    .optional()
    .meta({ description: 'Instead of a type: the definition to run as a child request' }),
  version: z
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Version of the definition; defaults to the latest' }),
  payload: z.unknown().optional(),
  priority,
  timeout_ms,
  attempts,
  backoff: createJobBodySchema.shape.backoff,
}

export const planJobSchema = z
  .strictObject({
    name: nameSchema,
    ...workShape,
    if: whenSchema.optional().meta({ description: 'Condition; the job is skipped when it does not hold' }),
    needs: z
      .array(nameSchema)
      .max(50)
      .optional()
      .meta({ description: 'Jobs of the same step that must complete first' }),
    foreach: pointerSchema.optional().meta({ description: 'Pointer to an array; one job is created per item' }),
    compensate: z
      .strictObject(workShape)
      .optional()
      .meta({ description: 'Runs to undo the completed job when the request fails' }),
  })
  .meta({ id: 'PlanJob' })

export const planStepSchema = z
  .strictObject({
    name: nameSchema,
    jobs: z.array(planJobSchema).optional(),
    signal: nameSchema
      .optional()
      .meta({ description: 'Instead of jobs: wait for POST /v1/requests/{request_id}/signals/{name}' }),
    sleep_ms: z.number().int().min(0).max(31_536_000_000).optional(),
    sleep_until: z.iso.datetime({ offset: true }).optional(),
    on_failure: z
      .enum(['finish', 'cancel'])
      .default('finish')
      .meta({ description: 'What happens to the running jobs of the step when one fails' }),
    if: whenSchema.optional(),
  })
  .meta({ id: 'PlanStep' })

export const planSchema = z.array(planStepSchema)
/** A plan as a caller writes it: members with a default may be left out. */
export type Plan = z.input<typeof planSchema>
export type PlanJob = z.infer<typeof planJobSchema>
export type PlanStep = z.infer<typeof planStepSchema>
export type When = z.infer<typeof whenSchema>

export const REQUEST_STATUSES = ['queuing', 'inprogress', 'completed', 'failed', 'cancelled'] as const
export type RequestStatus = (typeof REQUEST_STATUSES)[number]

/** Statuses of a job in a step. `retry`: its attempt failed, and another one follows. */
export const STEP_JOB_STATUSES = ['new', 'inprogress', 'retry', 'completed', 'failure', 'cancelled', 'skipped'] as const
export const STEP_STATUSES = ['new', 'inprogress', 'completed', 'failed', 'cancelled', 'skipped'] as const

export const createRequestBodySchema = z
  .strictObject({
    name: z.string().min(1).max(128).optional(),
    params: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ description: 'Values that all jobs receive and none can change' }),
    extras: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ description: 'Values that jobs can change for later jobs' }),
    steps: planSchema.optional(),
    definition: nameSchema.optional().meta({ description: 'Instead of steps: the name of a stored definition' }),
    version: z
      .number()
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Version of the definition; defaults to the latest' }),
  })
  .meta({ id: 'CreateRequest' })
export type CreateRequestBody = z.infer<typeof createRequestBodySchema>
export type NewRequest = z.input<typeof createRequestBodySchema>

const textSchema = z.string()
const timeSchema = z.string().nullable()

const requestAttemptSchema = z.object({
  attempt: z.number().int().meta({ description: 'Counts from 1 in each round' }),
  round: z
    .number()
    .int()
    .optional()
    .meta({ description: 'The round of the request; absent where an earlier version stored it' }),
  status: z.enum(['inprogress', 'completed', 'failure', 'retry', 'cancelled']),
  started_at: textSchema,
  ended_at: timeSchema,
  error: jobErrorSchema.nullable(),
})

export const stepJobViewSchema = z
  .object({
    name: textSchema.meta({ description: 'For a foreach with the index of the item, such as `resize[2]`' }),
    status: z.enum(STEP_JOB_STATUSES),
    round: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'The round in which the job was last started; null while it waits, or was skipped' }),
    job_id: textSchema.nullable().meta({ description: 'The id of the job, or the request_id of a child request' }),
    attempts: z.array(requestAttemptSchema).meta({ description: 'Attempts of all rounds, oldest first' }),
    result: z.unknown(),
    result_omitted: z
      .literal(true)
      .optional()
      .meta({ description: 'The result is too large to show here; get the job instead' }),
    error: jobErrorSchema.nullable(),
    ended_at: timeSchema,
  })
  .meta({ id: 'StepJob' })

export const undoneJobViewSchema = stepJobViewSchema
  .extend({ step: textSchema.meta({ description: 'The step of the job that it undid' }) })
  .meta({ id: 'UndoneJob' })

export const stepViewSchema = z
  .object({
    name: textSchema,
    status: z.enum(STEP_STATUSES),
    signal: textSchema.optional(),
    sleep_until: textSchema.optional(),
    started_at: timeSchema,
    ended_at: timeSchema,
    extras: z.record(z.string(), z.unknown()).nullable().meta({ description: 'The extras after the step' }),
    jobs: z.array(stepJobViewSchema),
  })
  .meta({ id: 'Step' })

export const REQUEST_EVENTS = [
  'request:created',
  'request:step-started',
  'request:step-ended',
  'request:extras-updated',
  'request:extras-conflict',
  'request:signalled',
  'request:undoing',
  'request:retried',
  'request:finished',
  'request:failed',
  'request:cancelled',
] as const

export const requestEventSchema = z
  .object({
    at: textSchema,
    round: z.number().int().optional().meta({ description: 'Absent where an earlier version stored it' }),
    event: z.enum(REQUEST_EVENTS),
    step: textSchema.optional(),
    job: textSchema.optional(),
    members: z.array(textSchema).optional().meta({ description: 'Names of the extras that changed' }),
  })
  .meta({ id: 'RequestEvent' })

export const requestViewSchema = z
  .object({
    request_id: textSchema,
    tenant: textSchema.optional(),
    name: textSchema.nullable(),
    definition: z.object({ name: textSchema, version: z.number().int() }).nullable(),
    parent: z
      .object({ request_id: textSchema, job: textSchema })
      .nullable()
      .meta({ description: 'The request and job that started it' }),
    status: z.enum(REQUEST_STATUSES),
    step: textSchema.nullable().meta({ description: 'The current step' }),
    round: z.number().int(),
    params: z.record(z.string(), z.unknown()),
    extras: z.record(z.string(), z.unknown()),
    steps: z.array(stepViewSchema),
    undone: z
      .array(undoneJobViewSchema)
      .meta({ description: 'Jobs that undid completed jobs after a failure, in order' }),
    events: z.array(requestEventSchema).meta({ description: 'The last 1,000 events, oldest first' }),
    error: jobErrorSchema.nullable(),
    trace_id: textSchema.optional().meta({ description: 'The W3C trace of the present round, where there is one' }),
    created_at: textSchema,
    updated_at: textSchema,
    finished_at: timeSchema,
  })
  .meta({ id: 'Request' })
export type RequestView = z.infer<typeof requestViewSchema>
