import { AppError } from '#shared/errors/app-error.ts'
import { HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'

export interface CooldownRefusal {
  type: string
  cooldownMs: number
  status: 400 | 409
  /** The job that holds the object_id; null when its event could not be read. */
  holder: { jobId: string; acceptedAtMs: number } | null
  nowMs: number
}

/** The error for an object_id that a job of the same type used within the cooldown (5 minutes by default). */
export function cooldownError(refusal: CooldownRefusal): AppError {
  const { type, cooldownMs, holder } = refusal
  const leftMs = holder === null ? cooldownMs : holder.acceptedAtMs + cooldownMs - refusal.nowMs
  const retryAfterS = Math.ceil(Math.min(Math.max(leftMs, 1), cooldownMs) / SECOND)
  const ago = `less than ${durationText(cooldownMs)} ago.`
  return new AppError('cooldown', `A job of type ${type} used this object_id ${ago} Try again in ${retryAfterS} s.`, {
    status: refusal.status,
    headers: { 'Retry-After': String(retryAfterS) },
    members: {
      ...(holder === null ? {} : { job_id: holder.jobId, existing_job_id: holder.jobId }),
      retry_after_s: retryAfterS,
      error: `This object_id was used ${ago}`,
    },
  })
}

/** "5 minutes", "1 hour", "1.5 seconds". */
export function durationText(ms: number): string {
  const units = [
    { size: HOUR, name: 'hour' },
    { size: MINUTE, name: 'minute' },
    { size: SECOND, name: 'second' },
  ]
  const fitting = units.filter(({ size }) => ms >= size)
  const { size, name } = fitting.find((unit) => ms % unit.size === 0) ?? fitting[0] ?? { size: 1, name: 'millisecond' }
  const count = Math.round((ms / size) * 10) / 10
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
