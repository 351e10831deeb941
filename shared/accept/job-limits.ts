import type { JobPolicy } from '#shared/contracts/log/job-type.ts'
import { AppError } from '#shared/errors/app-error.ts'

/** @throws AppError `invalid-request` where a job asks for more than its type allows */
export function checkLimits(
  policy: JobPolicy,
  asked: { timeout_ms?: number | undefined; attempts?: number | undefined },
): void {
  const errors = [
    ...tooMuch('/timeout_ms', asked.timeout_ms, policy.timeout_max_ms),
    ...tooMuch('/attempts', asked.attempts, policy.max_attempts_limit),
  ]
  const [first] = errors
  if (first === undefined) return
  throw new AppError('invalid-request', `${first.pointer.slice(1)} ${first.detail}.`, { members: { errors } })
}

const tooMuch = (pointer: string, asked: number | undefined, limit: number) =>
  asked !== undefined && asked > limit ? [{ pointer, detail: `must be at most ${limit} for this type` }] : []
