import { z } from 'zod'
import { jobErrorSchema } from '../log/job.ts'
import { createJobBodySchema } from './jobs.ts'

/** The broker keeps a request as one message. */
export const REQUEST_MAX_JOBS = 1_000
export const REQUEST_MAX_STEPS = 100
/** Requests in requests: one that begins itself would never end. */
export const REQUEST_MAX_DEPTH = 3
/** In one plan: each may begin as many again. */
export const REQUEST_MAX_CHILDREN = 20
/** Bytes of JSON: the plan is part of every version of the request. */
export const PLAN_MAX_BYTES = 256 * 1024
/** Members and array items of a body that has a plan: more than a job's, so that a plan of too many jobs is told as one. */
export const PLAN_BODY_MAX_MEMBERS = 100_000
/** Bytes of JSON; params and extras go out with every call of a service. */
export const PARAMS_MAX_BYTES = 64 * 1024
export const EXTRAS_MAX_BYTES = 64 * 1024

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Of steps, jobs, signals and definitions. */
export const nameSchema = z.string().regex(NAME_PATTERN)

/** RFC 6901, into `{params, extras}`: `/extras/pages`. */
const pointerSchema = z
  .string()
  .max(256)
  .regex(/^\/(params|extras)(\/|$)/, 'must begin with /params or /extras')

export const whenSchema = z
  .strictObject({
    value: pointerSchema,
    equals: z
      .unknown()
      .optional()
      .meta({ description: 'Left out: whether there is such a value, and it is not false' }),
    not: z.boolean().default(false),
  })
  .meta({ id: 'When' })

const { priority, timeout_ms, attempts } = createJobBodySchema.shape

/** What is to be done: a job of a type, a call of a service that the operator has named, or another request. */
const workShape = {
  // Without the default that a job of its own has: a service may stand instead.
  type: createJobBodySchema.shape.type.unwrap().optional(),
  service: z.string().max(64).optional().meta({ description: 'Instead of a type: which of SERVICES to call' }),
  path: z.string().max(1_024).optional().meta({ description: "Below the service's address" }),
  definition: nameSchema
    .optional()
    .meta({ description: 'Instead of a type: a request of this plan; the job ends with it' }),
  version: z
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Of the definition; the latest where it is left out' }),
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
    if: whenSchema.optional().meta({ description: 'Else the job is skipped' }),
    needs: z
      .array(nameSchema)
      .max(50)
      .optional()
      .meta({ description: 'Jobs of this step that must be completed first' }),
    foreach: pointerSchema.optional().meta({ description: 'An array: one job for each of its items' }),
    compensate: z.strictObject(workShape).optional().meta({ description: 'Undoes the job when the request fails' }),
  })
  .meta({ id: 'PlanJob' })

export const planStepSchema = z
  .strictObject({
    name: nameSchema,
    jobs: z.array(planJobSchema).optional(),
    signal: nameSchema
      .optional()
      .meta({ description: 'Instead of jobs: waits for POST /v1/requests/:id/signals/:name' }),
    sleep_ms: z.number().int().min(0).max(31_536_000_000).optional(),
    sleep_until: z.iso.datetime({ offset: true }).optional(),
    on_failure: z
      .enum(['finish', 'cancel'])
      .default('finish')
      .meta({ description: 'What becomes of the jobs that still run when one fails' }),
    if: whenSchema.optional(),
  })
  .meta({ id: 'PlanStep' })

export const planSchema = z.array(planStepSchema)
/** As a caller writes it: what has a default may be left out. */
export type Plan = z.input<typeof planSchema>
export type PlanJob = z.infer<typeof planJobSchema>
export type PlanStep = z.infer<typeof planStepSchema>
export type When = z.infer<typeof whenSchema>

export const REQUEST_STATUSES = ['queuing', 'inprogress', 'completed', 'failed', 'cancelled'] as const
export type RequestStatus = (typeof REQUEST_STATUSES)[number]

/** Of a job in a step. `retry`: its attempt failed, and another one follows. */
export const STEP_JOB_STATUSES = ['new', 'inprogress', 'retry', 'completed', 'failure', 'cancelled', 'skipped'] as const
export const STEP_STATUSES = ['new', 'inprogress', 'completed', 'failed', 'cancelled', 'skipped'] as const

export const createRequestBodySchema = z
  .strictObject({
    name: z.string().min(1).max(128).optional(),
    params: z.record(z.string(), z.unknown()).default({}).meta({ description: 'What all jobs get, and none changes' }),
    extras: z.record(z.string(), z.unknown()).default({}).meta({ description: 'What jobs may change for those after' }),
    steps: planSchema.optional(),
    definition: nameSchema.optional().meta({ description: 'Instead of steps: a stored plan' }),
    version: z
      .number()
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Of the definition; the latest where it is left out' }),
  })
  .meta({ id: 'CreateRequest' })
export type CreateRequestBody = z.infer<typeof createRequestBodySchema>
export type NewRequest = z.input<typeof createRequestBodySchema>

const textSchema = z.string()
const timeSchema = z.string().nullable()

const requestAttemptSchema = z.object({
  attempt: z.number().int(),
  status: z.enum(['inprogress', 'completed', 'failure', 'retry', 'cancelled']),
  started_at: textSchema,
  ended_at: timeSchema,
  error: jobErrorSchema.nullable(),
})

export const stepJobViewSchema = z
  .object({
    name: textSchema.meta({ description: 'Of a foreach with the number of its item: `resize[2]`' }),
    status: z.enum(STEP_JOB_STATUSES),
    job_id: textSchema.nullable().meta({ description: 'Of a child request: its request_id' }),
    attempts: z.array(requestAttemptSchema).meta({ description: 'Of all rounds, oldest first' }),
    result: z.unknown(),
    result_omitted: z.literal(true).optional().meta({ description: 'It is large: read it at the job itself' }),
    error: jobErrorSchema.nullable(),
    ended_at: timeSchema,
  })
  .meta({ id: 'StepJob' })

export const stepViewSchema = z
  .object({
    name: textSchema,
    status: z.enum(STEP_STATUSES),
    started_at: timeSchema,
    ended_at: timeSchema,
    extras: z.record(z.string(), z.unknown()).nullable().meta({ description: 'As they were after the step' }),
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
    event: z.enum(REQUEST_EVENTS),
    step: textSchema.optional(),
    job: textSchema.optional(),
    members: z.array(textSchema).optional().meta({ description: 'Members of the extras that the event is about' }),
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
      .meta({ description: 'The request and job that began it' }),
    status: z.enum(REQUEST_STATUSES),
    step: textSchema.nullable().meta({ description: 'The one it is at' }),
    round: z.number().int(),
    params: z.record(z.string(), z.unknown()),
    extras: z.record(z.string(), z.unknown()),
    steps: z.array(stepViewSchema),
    undone: z.array(stepJobViewSchema).meta({ description: 'What undid completed jobs after a failure, in its order' }),
    events: z.array(requestEventSchema).meta({ description: 'The history, oldest first: the last 1,000' }),
    error: jobErrorSchema.nullable(),
    created_at: textSchema,
    updated_at: textSchema,
    finished_at: timeSchema,
  })
  .meta({ id: 'Request' })
export type RequestView = z.infer<typeof requestViewSchema>
