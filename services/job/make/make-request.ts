import { z } from 'zod'
import { BODY_MAX_BYTES, BODY_MAX_DEPTH, createJobBodySchema } from '#shared/contracts/http/jobs.ts'
import { CHILD_NAME_MAX_LENGTH } from '#shared/contracts/log/limits.ts'
import { messageOf, textOf } from '#shared/errors/foreign.ts'
import { jsonOf } from '#shared/errors/foreign-json.ts'
import { issuesOf } from '#shared/errors/zod-issues.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { PermanentError } from '../handlers/handler.ts'
import type { Context } from '../handlers/handler-types.ts'

/** What a handler asks for when it makes a job, in the form in which it may cross a process boundary. */
export const makeRequestSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(CHILD_NAME_MAX_LENGTH)
    .refine((name) => name.isWellFormed(), 'has half a character'),
  body: createJobBodySchema,
})
export type MakeRequest = z.infer<typeof makeRequestSchema>

/** The options of `create`. Their values are checked as members of the job's body. */
const optionsSchema = z.strictObject({
  objectId: z.unknown(),
  priority: z.unknown(),
  tags: z.unknown(),
  delayMs: z.unknown(),
  runAt: z.unknown(),
  timeoutMs: z.unknown(),
  attempts: z.unknown(),
  backoff: z
    .strictObject({ kind: z.unknown(), baseMs: z.unknown(), maxMs: z.unknown(), jitter: z.unknown() })
    .partial()
    .optional(),
  callbackUrl: z.unknown(),
})

/** The `create` of a handler's context. @param make makes the job, and resolves with its id */
export const createVerb =
  (parentId: string, make: (request: MakeRequest) => Promise<string>): Context['create'] =>
  async (name, type, payload, options) => ({
    jobId: await make(readMakeRequest(parentId, { name, type, payload, options })),
  })

/** The arguments of `create`, which may be anything. */
interface CreateArguments {
  name: unknown
  type: unknown
  payload: unknown
  options: unknown
}

/** @throws PermanentError where another attempt would ask for the same again */
function readMakeRequest(parentId: string, given: CreateArguments): MakeRequest {
  const options = optionsSchema.partial().safeParse(given.options ?? {}, { error: zodMessages })
  if (!options.success)
    throw refusal(
      given,
      issuesOf(options.error).map((issue) => complaintOf(issue, 'options')),
    )
  const { objectId, priority, tags, delayMs, runAt, timeoutMs, attempts, backoff, callbackUrl } = options.data
  const body = {
    object_id: objectId ?? `child:${parentId}:${textOf(given.name, CHILD_NAME_MAX_LENGTH)}`,
    type: given.type ?? null,
    payload: payloadOf(given),
    priority,
    tags,
    delay_ms: delayMs,
    run_at: runAt instanceof Date && !Number.isNaN(runAt.getTime()) ? runAt.toISOString() : runAt,
    timeout_ms: timeoutMs,
    attempts,
    backoff: backoff && { kind: backoff.kind, base_ms: backoff.baseMs, max_ms: backoff.maxMs, jitter: backoff.jitter },
    callback_url: callbackUrl,
  }
  const request = makeRequestSchema.safeParse({ name: given.name, body }, { error: zodMessages })
  if (!request.success)
    throw refusal(
      given,
      issuesOf(request.error).map((issue) => complaintOf(issue, '')),
    )
  return request.data
}

/** A copy of the payload, which the handler may change later; undefined where there is none. */
function payloadOf(given: CreateArguments): unknown {
  if (given.payload === undefined) return undefined
  const payload = jsonOf(given.payload, BODY_MAX_BYTES)
  switch (payload.kind) {
    case 'json':
      return JSON.parse(payload.json)
    case 'not_json':
      throw refusal(given, [`the payload is no JSON: ${messageOf(payload.thrown)}`])
    case 'too_deep':
      throw refusal(given, [`the payload is nested deeper than ${BODY_MAX_DEPTH} levels`])
    case 'too_large':
      throw refusal(given, [`the payload has at least ${payload.bytes} bytes, the limit is ${BODY_MAX_BYTES}`])
  }
}

const complaintOf = (issue: z.core.$ZodIssue, above: string): string =>
  `${[above, ...issue.path.filter((step) => step !== 'body')].filter((step) => step !== '').join('.')}: ${issue.message}`

/** The error that a handler gets for a job that cannot be made. */
export const refusal = (
  { name, type }: { name: unknown; type: unknown },
  reasons: string[],
  cause?: unknown,
): PermanentError => {
  const call = [name, type].map((each) => JSON.stringify(textOf(each, CHILD_NAME_MAX_LENGTH))).join(', ')
  return new PermanentError(`create(${call}): ${reasons.join('; ')}`, cause === undefined ? undefined : { cause })
}
