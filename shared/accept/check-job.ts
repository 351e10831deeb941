import type { CreateJobBody } from '#shared/contracts/http/jobs.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { invalidBody } from '#shared/http/read-body.ts'
import { type CallbackRules, checkCallbackUrl } from './check-callback-url.ts'
import { checkLimits } from './job-limits.ts'
import type { JobType, JobTypes } from './job-types.ts'

export interface CheckJobDeps {
  types: JobTypes
  callbacks: CallbackRules
}

/**
 * Checks whether a job may be created, as far as its type and the settings decide that.
 * @returns the type
 * @throws AppError unknown-type, invalid-payload, invalid-request, callback-forbidden; unavailable
 */
export async function checkJob(
  deps: CheckJobDeps,
  body: Pick<CreateJobBody, 'type' | 'payload' | 'timeout_ms' | 'attempts' | 'callback_url'>,
): Promise<JobType> {
  const type = await deps.types.getPublic(body.type)
  checkForType(type, body)
  if (body.callback_url !== undefined) checkCallbackUrl(body.callback_url, deps.callbacks)
  return type
}

/** @throws AppError invalid-payload, invalid-request */
export function checkForType(type: JobType, body: Pick<CreateJobBody, 'payload' | 'timeout_ms' | 'attempts'>): void {
  checkPayload(type, body.payload)
  checkLimits(type.info.policy, body)
}

function checkPayload(type: JobType, payload: unknown): void {
  const parsed = type.payload?.safeParse(payload ?? null, { error: zodMessages })
  if (parsed === undefined || parsed.success) return
  for (const issue of parsed.error.issues) issue.path.unshift('payload')
  throw invalidBody(parsed.error, 'invalid-payload')
}
