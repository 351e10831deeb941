import { z } from 'zod'

/** Every error code of the HTTP interface, with its status and title. The code is stable; the detail is for people. */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request is not valid HTTP' },
  'malformed-json': { status: 400, title: 'The body is not valid JSON' },
  'invalid-unicode': { status: 400, title: 'The body is not valid Unicode' },
  'duplicate-member': { status: 400, title: 'A member appears twice in one object' },
  'forbidden-member': { status: 400, title: 'A member name is not allowed' },
  'number-out-of-range': { status: 400, title: 'A number cannot be represented' },
  'too-deep': { status: 400, title: 'The body is nested too deeply' },
  'too-many-members': { status: 400, title: 'The body has too many members' },
  'unknown-member': { status: 400, title: 'A member or parameter is unknown' },
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-header': { status: 400, title: 'A header is not valid' },
  'unknown-type': { status: 400, title: 'No such job type' },
  'callback-forbidden': { status: 400, title: 'This callback_url is not allowed' },
  /** One job of an atomic batch cannot be created, so none was; `items` says which. */
  'batch-refused': { status: 400, title: 'The batch was rejected as a whole' },
  'invalid-payload': { status: 400, title: 'The payload does not match its job type' },
  /** The plan of a request or a definition is invalid: `errors` says where. */
  'invalid-plan': { status: 400, title: 'The plan is not valid' },
  'invalid-lease': { status: 400, title: 'This is not a lease of this server' },
  'invalid-scope': { status: 400, title: 'The client may not request this scope' },
  'token-required': { status: 401, title: 'A token is required' },
  'invalid-token': { status: 401, title: 'The token is not valid' },
  'invalid-client': { status: 401, title: 'The client is unknown or its secret is wrong' },
  'insufficient-scope': { status: 403, title: 'The token does not allow this' },
  'job-not-found': { status: 404, title: 'No such job' },
  'schedule-not-found': { status: 404, title: 'No such schedule' },
  'request-not-found': { status: 404, title: 'No such request' },
  'definition-not-found': { status: 404, title: 'No such definition' },
  'worker-not-found': { status: 404, title: 'No such worker' },
  'not-found': { status: 404, title: 'No such resource' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'The answer is not available in an accepted media type' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  /**
   * A cancel, retry or reschedule came too late or too early; the answer has the job's view, or the request's status.
   */
  'wrong-state': { status: 409, title: 'The current state does not allow this' },
  /** Another worker has the job, or will; the detail says how this attempt ended, as far as the log tells it. */
  superseded: { status: 409, title: 'The job goes on without this attempt' },
  /** TypeScript handlers and HTTP workers never share a type. */
  'wrong-runner': { status: 409, title: 'The type is run in another way' },
  'type-in-use': { status: 409, title: 'Jobs of this type are left' },
  'job-ended': { status: 410, title: 'The job has ended' },
  /** 400 at `POST /`, 409 under /v1. */
  cooldown: { status: 409, title: 'This object_id was used too recently' },
  'too-many-schedules': { status: 409, title: 'The limit of schedules is reached' },
  'too-many-definitions': { status: 409, title: 'The limit of definitions is reached' },
  'precondition-failed': { status: 412, title: 'A precondition of the request failed' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The URL is too long' },
  'unsupported-media-type': { status: 415, title: 'The media type or encoding is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'key-reused': { status: 422, title: 'This Idempotency-Key was used with a different request' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something went wrong on the server' },
  'not-implemented': { status: 501, title: 'The method or transfer coding is not supported' },
  /** The broker or the store has no room, or cannot write: accepted data stays. */
  'cannot-store': { status: 503, title: 'Nothing can be stored right now' },
  unavailable: { status: 503, title: 'The service is temporarily unavailable' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** RFC 9457, served as application/problem+json. Some codes have members of their own. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'Address that explains the code: `/problems/<code>`' }),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string(),
    instance: z.string().optional(),
    request_id: z
      .string()
      .optional()
      .meta({ description: 'The HTTP request, as in the log; not a request of several steps' }),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problemSchema>

export const problemType = (code: ProblemCode): string => `/problems/${code}`

/** The answer of `/problems/<code>`. */
export const problemExplainedSchema = z
  .object({ type: z.string(), code: z.string(), status: z.number().int(), title: z.string() })
  .meta({ id: 'ProblemExplained' })
export const problemsSchema = z.object({ items: z.array(problemExplainedSchema) }).meta({ id: 'Problems' })

export const explainProblem = (code: ProblemCode): z.infer<typeof problemExplainedSchema> => ({
  type: problemType(code),
  code,
  ...PROBLEMS[code],
})
